"""Line protocol as InfluxDB understands it."""

import re

from ioc.domain.point import FieldValue, Point


class Reader:
    """Line protocol read as InfluxDB 2.7 does: escapes of `,`, `=` and space outside strings, of `"` and backslash inside."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def points(self) -> list[Point]:
        """Of a whole body."""
        found = [self.point()]
        while self.at < len(self.text):
            assert self.text[self.at] == "\n"
            self.at += 1
            found.append(self.point())
        return found

    def point(self) -> Point:
        """One line."""
        measurement = self.word(", ")
        tags, fields = [], {}
        while self.take() == ",":
            name = self.word("=", escaped=",= ")
            self.take()
            tags.append((name, self.word(", ", escaped=",= ")))
        while True:
            name = self.word("=", escaped=",= ")
            self.take()
            fields[name] = self.value()
            if self.take() == " ":
                break
        return Point.of(measurement, tuple(tags), fields, int(self.word("\n")))

    def take(self) -> str:
        """The next character."""
        self.at += 1
        return self.text[self.at - 1]

    def word(self, end: str, escaped: str = ", ") -> str:
        """Up to an unescaped `end`."""
        word = ""
        while self.at < len(self.text) and self.text[self.at] not in end:
            assert self.text[self.at] != "\n"
            if self.text[self.at] == "\\" and self.text[self.at + 1] in escaped:
                self.at += 1
            word += self.take()
        assert word
        return word

    def value(self) -> FieldValue:
        """A field's value."""
        if self.text[self.at] == '"':
            quoted = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL).match(self.text, self.at)
            assert quoted
            self.at = quoted.end()
            return re.sub(r'\\(["\\])', r"\1", quoted[1])
        word = self.word(", ")
        return int(word[:-1]) if word.endswith("i") else float(word)
