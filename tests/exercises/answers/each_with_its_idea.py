"""Right and wrong answers to the exercises of the chapter "Each with its idea"."""


def saved():
    return [
        (lambda n, m: n * n / (m * n + m * m), "Correct: "),
        (lambda n, m: n / m, "each other"),
        (lambda n, m: "many", "one number"),
        (lambda n: n, "raised"),
    ]


def furthest():
    return [
        (lambda kept, compressed, rate: kept + compressed * rate, "Correct: "),
        (lambda kept, compressed, rate: kept + compressed, "stands for"),
        (lambda kept, compressed, rate: rate, "yours"),
        (lambda kept, compressed, rate: None, "one number"),
    ]


def expected():
    return [
        (lambda p, r: p * (r - (p * r).sum()), "Correct: "),
        (lambda p, r: p * r, "mean reward"),
        (lambda p, r: r, "something else"),
        (lambda p, r: 0.0, "every place"),
    ]


def recipe():
    return [
        (dict(updates=600), "Correct: "),
        (dict(hops=1, updates=40), "are wanted"),
        (dict(rate=1), "dict of some"),
        (dict(updates=60, tying="loose"), "raised"),
    ]
