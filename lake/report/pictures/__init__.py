"""The pictures of a page, each a function from numbers and names to the text of an SVG element.

Colours come from the page's style by classes alone, so that they follow light and dark. Foreign text goes into elements
of text, which drawsvg escapes, and never into an attribute, which it does not.
"""
