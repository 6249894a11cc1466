"""The opening pictures of the book, one module a chapter: `from ntm.openings.reading import draw`.

So a chapter begins with its picture, in Jupyter, in Colab and on GitHub, and not with the code that
draws it. Each `draw` sets the book's style, draws one figure and shows it.
"""
