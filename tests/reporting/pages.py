"""Reading of pages, as a browser would."""

from html.parser import HTMLParser


class Page(HTMLParser):
    """Headings, tags, ids and texts of a page, without its script and style."""

    def __init__(self, html):
        super().__init__()
        self.html = html
        self.tags, self.ids, self.links, self.headings, self.texts, self.attributes = [], [], [], [], [], []
        self._open = []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self._open.append(tag)
        self.attributes += [name for name, _ in attributes]
        for name, value in attributes:
            if name == "id":
                self.ids.append(value)
            if name in ("href", "src", "xlink:href"):
                self.links.append(value)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        self._open.pop()

    def handle_endtag(self, tag):
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data):
        if self._open and self._open[-1] in ("script", "style"):
            return
        self.texts.append(data)
        if self._open and self._open[-1] == "h2":
            self.headings.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())
