"""Markdown of other programs: HTML blocks, components and code in it come in without a loss."""

import pytest

from knowledge_base.importing.fences import find_code_lines
from knowledge_base.importing.html_blocks import convert_html_blocks
from knowledge_base.importing.kramdown import strip_kramdown
from knowledge_base.importing.mdx import strip_mdx


@pytest.mark.parametrize(
    ("markdown", "code"),
    [
        ("```sh\na\n```\nb", "1110"),
        ("```npm install```\nb", "00"),
        ("````\n```\n````\nb", "1110"),
        ("~~~ a `b`\n```\n~~~~\nb", "1110"),
        ("```\n``` sh\n```\nb", "1110"),
        ("- ```sh\n  a\n  ```\nb", "1110"),
        ("```\na", "11"),
    ],
)
def test_code_is_what_stands_between_a_fence_and_its_like(markdown: str, code: str) -> None:
    found = find_code_lines(markdown.split("\n"))
    assert "".join(str(int(is_code)) for is_code in found) == code


def test_code_after_a_code_span_of_three_backticks_stays_as_it_is() -> None:
    markdown = "```npm install```\n\n```html\n<div id='a'>{:b}<Tabs/></div>\n```"
    assert convert_html_blocks(markdown) == markdown
    assert strip_kramdown(markdown) == markdown
    assert strip_mdx(markdown)[0] == markdown
