"""Keys as they are typed, into a stream: a recurrent network guesses the rest of the word.

Trains a GRU on the characters of this project's pages (half a minute, once), converts it in int8
for single steps, and feeds each key to it as it is pressed. What it expects next stands in grey;
Tab takes it, Enter ends. No keyboard is needed with --demo, which types a sentence by itself.
"""

import argparse
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import numpy as np

import rnnlite

ROOT = Path(__file__).parents[1]
OUT = Path("demo-output")
LETTERS = "\n abcdefghijklmnopqrstuvwxyz0123456789.,:;'`-_=()/#|\""
WINDOW, BATCH, LONGEST = 64, 32, 12
SENTENCE = "each conversion is compared with its source, and what cannot be done is refused."


def ids(text):
    """(T,) int32: the place of each character in LETTERS, and their number for any other."""
    return np.array([LETTERS.find(c) % (len(LETTERS) + 1) for c in text.lower()], np.int32)


def train(steps):
    """A model of the next character, and some stretches of the text to calibrate with."""
    import keras

    text = ids("\n".join(p.read_text() for p in sorted(ROOT.glob("docs/**/*.md"))))
    rng = np.random.default_rng(5)
    keras.utils.set_random_seed(5)
    model = keras.Sequential(
        [
            keras.Input((None,), dtype="int32", name="keys"),
            keras.layers.Embedding(len(LETTERS) + 1, 24),
            keras.layers.GRU(128, return_sequences=True),
            keras.layers.Dense(len(LETTERS) + 1, name="next"),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(5e-3), loss)
    starts = rng.integers(0, len(text) - WINDOW, (steps * BATCH,))
    windows = np.stack([text[s : s + WINDOW + 1] for s in starts])
    model.fit(windows[:, :-1], windows[:, 1:], batch_size=BATCH, verbose=0)
    return model, list(windows[:60, :-1])


def converted(path, steps):
    """The file of the model, made where it is not there yet."""
    if not path.exists():
        print("training ...", file=sys.stderr)
        model, samples = train(steps)
        made = rnnlite.convert(model, quantize="int8", calibration=samples, streaming=1)
        path.parent.mkdir(exist_ok=True)
        made.save(path)
    return rnnlite.load(path)


class Typist:
    """A stream that is fed keys, and what it expects after them."""

    def __init__(self, model):
        self.stream = model.stream()
        self.guessed = self.keys = 0
        self.seconds = 0.0
        self.expected = " "
        self.press(" ")

    def press(self, key):
        """Feed one key."""
        self.guessed += key == self.expected
        self.keys += 1
        begin = time.perf_counter()
        self.expected = self._after(key)
        self.seconds += time.perf_counter() - begin

    def rest(self):
        """The rest of the word, from the stream's own guesses; its state is as before."""
        kept, word, key = self.stream.state, "", self.expected
        while key.isalnum() and len(word) < LONGEST:
            word += key
            key = self._after(key)
        self.stream.state = kept
        return word

    def _after(self, key):
        row = self.stream(ids(key))[-1]
        best = int(row.argmax())
        return LETTERS[best] if best < len(LETTERS) else "?"


def demo(typist, pause):
    """Type a sentence; where the rest of a word is guessed right, take it as Tab would."""
    saved, place = 0, 0
    while place < len(SENTENCE):
        rest = typist.rest()
        word = SENTENCE[place:].split(" ")[0].rstrip(".,")
        taken = len(rest) > 1 and rest == word
        show(SENTENCE[:place], rest)
        time.sleep(pause)
        keys = rest if taken else SENTENCE[place]
        for key in keys:
            typist.press(key)
        saved += len(keys) - 1 if taken else 0
        place += len(keys)
    show(SENTENCE, "")
    print()
    return saved


def show(text, rest):
    """The line so far, and in grey what is expected."""
    width = os.get_terminal_size().columns if sys.stdout.isatty() else 100
    line = text[-(width - LONGEST - 1) :]
    sys.stdout.write(f"\r\x1b[K{line}\x1b[90m{rest}\x1b[0m" if sys.stdout.isatty() else "")
    sys.stdout.flush()


def live(typist):
    """Read keys until Enter."""
    import termios
    import tty

    before = termios.tcgetattr(sys.stdin)
    text = ""
    try:
        tty.setcbreak(sys.stdin)
        while True:
            rest = typist.rest()
            show(text, rest)
            key = sys.stdin.read(1)
            if key in ("\n", "\x04", ""):
                break
            for letter in rest if key == "\t" else key:
                typist.press(letter)
                text += letter
    except KeyboardInterrupt:
        pass
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
        print()


def main(arguments=None):
    """Load or make the model, then type."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--demo", action="store_true", help="type a sentence, then end")
    parser.add_argument("--pause", type=float, default=0.08, help="seconds between keys there")
    parser.add_argument("--steps", type=int, default=900, help="of training")
    args = parser.parse_args(arguments)
    typist = Typist(converted(OUT / "keystrokes.tflite", args.steps))
    if args.demo:
        saved = demo(typist, args.pause)
        print(f"{saved} of {len(SENTENCE)} keys saved by taking the rest of a word")
    elif not sys.stdin.isatty():
        sys.exit("standard input is no terminal: give --demo")
    else:
        live(typist)
    print(
        f"{typist.keys} keys, {1e6 * typist.seconds / typist.keys:.0f} us a key, "
        f"{100 * typist.guessed / typist.keys:.0f} % guessed before they were pressed"
    )
    return typist


if __name__ == "__main__":
    main()
