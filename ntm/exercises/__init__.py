"""Checkers of the book's exercises, one module a chapter: `from ntm.exercises import reading`.

A checker takes the reader's answer, prints one sentence, and returns whether the answer is right. It never raises.
"""


def verdict(ok, right, wrong):
    """Print "Correct: `right`" or "Not yet: `wrong`"; returns whether it was ok."""
    print(f"Correct: {right}" if ok else f"Not yet: {wrong}")
    return bool(ok)
