"""A module with two functions that share an LSTM, as a SavedModel with a signature for each."""

import numpy as np
import tensorflow as tf

FEATURES, UNITS, CLASSES = 5, 24, 7
FRAMES = tf.TensorSpec([None, None, FEATURES], tf.float32, name="frames")
STATE = [tf.TensorSpec([None, UNITS], tf.float32, name=name) for name in ("h", "c")]


class EncoderDecoder(tf.Module):
    """`encode` gives the last states; `decode` goes on from states and gives classes a step."""

    def __init__(self):
        super().__init__()
        rng = np.random.default_rng(0)

        def weight(*shape):
            return tf.Variable((0.3 * rng.standard_normal(shape)).astype(np.float32))

        self.kernel, self.recurrent = weight(FEATURES, 4 * UNITS), weight(UNITS, 4 * UNITS)
        self.bias, self.dense = weight(4 * UNITS), weight(UNITS, CLASSES)

    def lstm(self, frames, h, c):
        steps = tf.shape(frames)[1]
        rows = tf.TensorArray(tf.float32, steps).unstack(tf.transpose(frames, [1, 0, 2]))
        found = tf.TensorArray(tf.float32, steps)

        def body(t, h, c, found):
            products = rows.read(t) @ self.kernel + h @ self.recurrent + self.bias
            i, f, g, o = tf.split(products, 4, 1)
            c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
            h = tf.sigmoid(o) * tf.tanh(c)
            return t + 1, h, c, found.write(t, h)

        _, h, c, found = tf.while_loop(lambda t, *_: t < steps, body, (0, h, c, found))
        return tf.transpose(found.stack(), [1, 0, 2]), h, c

    @tf.function(input_signature=[FRAMES])
    def encode(self, frames):
        zero = tf.zeros([tf.shape(frames)[0], UNITS])
        rows, h, c = self.lstm(frames, zero, zero)
        return {"rows": rows, "h": h, "c": c}

    @tf.function(input_signature=[FRAMES, *STATE])
    def decode(self, frames, h, c):
        rows, _, _ = self.lstm(frames, h, c)
        scores = tf.reshape(rows, [-1, UNITS]) @ self.dense
        shape = tf.shape(frames)
        return {"scores": tf.nn.softmax(tf.reshape(scores, [shape[0], shape[1], CLASSES]))}


def save(folder):
    """The SavedModel; gives its path."""
    net = EncoderDecoder()
    signatures = {"encode": net.encode, "decode": net.decode}
    tf.saved_model.save(net, str(folder), signatures=signatures)
    return folder


def samples(count=30):
    """By signature, of several lengths."""
    rng = np.random.default_rng(1)

    def frames(steps):
        return rng.standard_normal((steps, FEATURES)).astype(np.float32)

    def state():
        return rng.uniform(-0.6, 0.6, UNITS).astype(np.float32)

    return {
        "encode": [frames(5 + k % 9) for k in range(count)],
        "decode": [{"frames": frames(3 + k % 7), "h": state(), "c": state()} for k in range(count)],
    }
