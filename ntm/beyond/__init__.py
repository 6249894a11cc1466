"""Beyond the paper, one module a chapter of part 5. The machine of the paper gains no option for
them: what differs is put on it from outside, by a class derived from it, a function in place of
another, or other first weights."""
