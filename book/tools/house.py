"""A Sphinx extension, named in _config.yml: what the pages need beyond the theme, for readers on a
phone, in the dark, or without eyes.

- Formulas are set by KaTeX, which lies in book/assets and is loaded by the pages that have a
  formula, and by no other.
- The alternative text of a figure is its caption, the paragraph below it that begins with *Figure
  1: ...*.
- Every page has a description and a picture for those who link to it.
- Figures become WebP, lossless and a third of the bytes, and are fetched when the reader comes
  near.
- Live figures (ntm.live) find their scripts and weights in _static/live, on the pages that have
  one.
- Of FontAwesome (1.5 MB of script, 0.3 MB of fonts) nothing is left: book/assets/icons.css holds
  the icons that the theme shows.
"""

import html
import re
import shutil
from pathlib import Path

import repository
from docutils import nodes
from notation import GREEK
from PIL import Image
from sphinx.ext.mathjax import html_visit_displaymath, html_visit_math

from ntm import live
from ntm.live import at_work

CAPTION = re.compile(r"(Live figure|Figure( \d+)?): ")
LIVE = re.compile(r'class="ntm-live" data-live="(\w+)"')
TONES = re.compile(r"\b(black|white|(dark|light)(er|est)?|paler?|palest)\b")


def plain(node):
    """The text of a node on one line, its formulas in letters rather than in LaTeX."""
    copy = node.deepcopy()
    for formula in list(copy.findall(nodes.math)):
        text = re.sub(r"\\([A-Za-z]+) ?", lambda found: GREEK.get(found[1], ""), formula.astext())
        formula.replace_self(nodes.Text(re.sub(r"\s+", " ", re.sub(r"[{}\\^]", "", text))))
    return " ".join(copy.astext().split())


def caption(cell):
    """The caption of a cell's figures, a paragraph, or None."""
    below = cell.next_node(descend=False, siblings=True)
    return below if isinstance(below, nodes.paragraph) and CAPTION.match(below.astext()) else None


def describe_figures(app, doctree, name):
    """Give every picture that a cell shows its caption as alternative text; mark the captions that
    name a tone."""
    cells = [node for node in doctree.findall(nodes.container) if "cell" in node["classes"]]
    for cell in cells:
        pictures, below = list(cell.findall(nodes.image)), caption(cell)
        for number, picture in enumerate(pictures, 1):
            part = f", part {number} of {len(pictures)}" if len(pictures) > 1 else ""
            if below is not None:
                picture["alt"] = plain(below) + part
            elif "tag_solution" in cell["classes"]:
                picture["alt"] = f"The figure that the solution draws{part}"
        if pictures and below is not None and TONES.search(below.astext()):
            below["classes"].append("names-a-tone")


def description(doctree):
    """The first paragraph that is neither a way to Colab nor a caption, cut at a word: what search
    engines show of a page."""
    for paragraph in doctree.findall(nodes.paragraph):
        text = plain(paragraph)
        if len(text) > 60 and "Open in Colab" not in text and not CAPTION.match(text):
            return text if len(text) <= 200 else text[:200].rsplit(" ", 1)[0] + " ..."
    return ""


def head(app, name, template, context, doctree):
    """Description, and picture for links; KaTeX, where there is a formula."""
    owner, repo = repository.address(Path(app.srcdir))
    title = re.sub("<[^>]*>", "", context.get("title") or "")
    said = (html.escape(description(doctree) if doctree else "")
            or html.escape(app.config.html_title))
    context["metatags"] = context.get("metatags", "") + (
        f'<meta name="description" content="{said}">\n'
        f'<meta property="og:title" content="{title}">\n'
        f'<meta property="og:description" content="{said}">\n'
        '<meta property="og:type" content="article">\n'
        f'<meta property="og:image" '
        f'content="https://{owner}.github.io/{repo}/_static/copying.png">\n')
    formula = lambda node: isinstance(node, (nodes.math, nodes.math_block))  # noqa: E731
    if doctree and next(iter(doctree.findall(formula)), None):
        app.add_css_file("vendor/katex/katex.min.css")
        app.add_js_file("vendor/katex/katex.min.js", loading_method="defer", priority=400)
    shown = [each for raw in (doctree.findall(nodes.raw) if doctree else ())
             for each in LIVE.findall(raw.astext())]
    if shown:
        # said at once, so that the still is never painted where the live figure will be
        context["metatags"] += '<script>document.documentElement.classList.add("live")</script>\n'
        app.add_css_file("live/live.css")
        for script in dict.fromkeys(script for each in shown for script in live.FIGURES[each]):
            app.add_js_file(f"live/{script}.js", loading_method="defer", priority=600)


def polish(page, sizes):
    """A page as it is served. sizes: {name of a picture that is WebP now: (width, height)}."""
    page = re.sub(r"<!-- So that users can add custom icons -->\s*"
                  r"|<script[^>]*/fontawesome\.js[^>]*></script>\s*", "", page)
    # at the first visit the theme would paint a white page, then find out that the reader's screen
    # is dark
    page = re.sub(r'localStorage\.getItem\("theme"\) \|\| "[a-z]*"',
                  'localStorage.getItem("theme") || '
                  '(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")', page)
    seen = []

    def picture(found):
        name = found[1]
        if name not in sizes:
            return found[0]
        seen.append(name)
        late = "" if len(seen) == 1 else ' loading="lazy"'  # the opening picture is wanted at once
        width, height = sizes[name]
        webp = found[0].replace(name + ".png", name + ".webp")
        return f'{webp} width="{width}" height="{height}"{late} '

    return re.sub(r'<img\b(?:(?!src=|>)[^>])*src="[^">]*_images/([\w.-]+)\.png"(?! width)', picture,
                  page)


def finish(app, exception):
    """After the build: smaller pictures, no FontAwesome, no maps of scripts."""
    if exception or app.builder.name not in ("html", "dirhtml"):
        return
    out, sizes = Path(app.outdir), {}
    at_work.site(out / "_static/live")
    for picture in sorted((out / "_images").glob("*.png")):
        with Image.open(picture) as image:
            # a hash: the very same picture
            if not (picture.with_suffix(".webp").is_file() and len(picture.stem) == 64):
                image.save(picture.with_suffix(".webp"), lossless=True, method=4)
            sizes[picture.stem] = image.size
        picture.unlink()
    for page in out.rglob("*.html"):
        page.write_text(polish(page.read_text(encoding="utf-8"), sizes), encoding="utf-8")
    for style in (out / "_static/styles").glob("*.css"):
        text = style.read_text(encoding="utf-8")
        style.write_text(re.sub(r"@font-face\{[^}]*fontawesome[^}]*\}|/\*# sourceMappingURL=.*?\*/",
                                "", text), encoding="utf-8")
    shutil.rmtree(out / "_static/vendor/fontawesome", ignore_errors=True)
    for file in [*(out / "_static/scripts").glob("fontawesome*"), *out.glob("_static/**/*.map")]:
        file.unlink(missing_ok=True)
    for script in (out / "_static/scripts").glob("*.js"):
        script.write_text(re.sub(r"//# sourceMappingURL=.*", "",
                                 script.read_text(encoding="utf-8")), encoding="utf-8")


def setup(app):
    app.add_html_math_renderer("katex", (html_visit_math, None), (html_visit_displaymath, None))
    app.connect("doctree-resolved", describe_figures)
    app.connect("html-page-context", head)
    app.connect("build-finished", finish)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
