"""The front end of ONNX models."""
