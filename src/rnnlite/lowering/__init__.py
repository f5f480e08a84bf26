"""From a Scan to TensorFlow ops: schedule, cost model, step, inputs, buffers, loops."""
