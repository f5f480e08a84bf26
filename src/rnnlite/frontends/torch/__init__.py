"""The front end of PyTorch: modules are exported to ONNX, and read by the front end of ONNX."""
