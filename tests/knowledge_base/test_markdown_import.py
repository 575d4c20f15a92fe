"""Markdown of other programs: HTML blocks, components and code in it come in without a loss."""

from pathlib import Path

import pytest

from knowledge_base.importing.articles import read_articles
from knowledge_base.importing.fences import find_code_lines
from knowledge_base.importing.html_blocks import convert_html_blocks
from knowledge_base.importing.kramdown import strip_kramdown
from knowledge_base.importing.liquid import resolve_liquid
from knowledge_base.importing.mdx import strip_mdx
from knowledge_base.importing.shortcodes import resolve_shortcodes
from knowledge_base.markup import render_html
from tests.knowledge_base.files import write


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


DETAILS = """<details>
<summary>Linux</summary>

Open a *terminal* or <https://fernhill.example>.

1. a
   - b
2. c

```bash
cd /opt

  ./fix --all <file>
```

</details>"""
INSIDE_DETAILS = DETAILS.split("\n\n", 1)[1].removesuffix("\n\n</details>")


def test_markdown_inside_a_block_of_html_stays_word_for_word() -> None:
    assert convert_html_blocks(DETAILS) == f"**Linux**\n\n{INSIDE_DETAILS}"
    indented = "1. Go:\n\n   " + DETAILS.replace("\n", "\n   ")
    within_a_step = "\n".join(line.removeprefix("   ") for line in convert_html_blocks(indented).split("\n"))
    assert within_a_step == f"1. Go:\n\n**Linux**\n\n{INSIDE_DETAILS}"
    listed = f"<ol>\n<li>One</li>\n<li>\n\n{INSIDE_DETAILS}\n\n</li>\n</ol>"
    inside = INSIDE_DETAILS.replace("\n", "\n   ").replace("   \n", "\n")
    assert convert_html_blocks(listed) == f"1. One\n\n2. {inside}"


@pytest.mark.parametrize(
    ("html", "markdown"),
    [
        ("<div>\n1. a\n   - b\n2. c\n</div>", "1. a\n   - b\n2. c"),
        ("<p align='center'><img src='shot.png' width='300'></p>", "![](shot.png)"),
        ("<p><img src='a b(1).png' alt='Shot'></p>", "![Shot](a%20b%281%29.png)"),
        ("<div>\n\nText\n\n<img\n  src='a.png'\n  alt='Shot'>\n\n</div>", "Text\n\n![Shot](a.png)"),
        ("<iframe src='//video.example/abc' title='Film'></iframe>", "[Film](https://video.example/abc)"),
        ("<video controls><source src='/a.mp4'>Too old</video>", "[Video](/a.mp4)"),
        ("<noscript><iframe src='https://tags.example/'></iframe><b>x</b></noscript>\n\ntext", "text"),
        ("<p>Write &lt;your-domain&gt;, &amp;lt; or `a`.</p>", "Write \\<your-domain>, \\&lt; or `a`."),
        ("<p>Write <code>&lt;b&gt;</code>.</p>", "Write `<b>`."),
        (
            "<table><tr><td><p>Small</p></td><td><p>5</p><p>users</p></td></tr>"
            "<tr><td>Big<td><ul><li>a</li><li>b</li></ul></tr></table>",
            "| Small | 5 users |\n| --- | --- |\n| Big | - a - b |",
        ),
        ("<ul><li>Run<pre>a\n\n  b</pre></li></ul>", "- Run\n\n   ```\n   a\n\n     b\n   ```"),
        ("<details><summary><b>Why</b> not?</summary>So <b>it is</b>.</details>", "**Why not?**\n\nSo **it is**."),
        ("<dl><dt><p>Term</p></dt><dd>It is.</dd></dl>", "**Term**\n\nIt is."),
        ("<details>\n<summary><h3>Why?</h3></summary>\n\nSo.\n</details>", "### Why?\n\nSo."),
        ("```\na\n\n\nb\n```\n\n\n<p>x</p>", "```\na\n\n\nb\n```\n\nx"),
    ],
)
def test_nothing_in_a_block_of_html_is_lost(html: str, markdown: str) -> None:
    assert convert_html_blocks(html) == markdown


def test_an_escaped_tag_is_shown_to_visitors() -> None:
    html = render_html(convert_html_blocks("<p>Write &lt;your-domain&gt; and &lt;script&gt; there.</p>"))
    assert html == "<p>Write &lt;your-domain&gt; and &lt;script&gt; there.</p>"


@pytest.mark.parametrize(
    ("mdx", "markdown"),
    [
        (
            "<Tabs>\n<TabItem value='ios' label='iOS'>\n\n1. a\n2. b\n\n</TabItem>\n"
            "<TabItem value='other'>\n\n1. c\n\n</TabItem>\n</Tabs>",
            "**iOS**\n\n1. a\n2. b\n\n**other**\n\n1. c",
        ),
        (
            '<Steps>\n  <Step title="Open the app">\n    Tap it.\n\n    ```sh\n    ls\n      x\n    ```\n'
            "  </Step>\n</Steps>",
            "**Open the app**\n\nTap it.\n\n```sh\nls\n  x\n```",
        ),
        ('<Card title="Billing" href="/billing" icon={<A b="c" />}>\nMore\n</Card>', "**[Billing](/billing)**\n\nMore"),
        ("1. Do\n\n   <Note>Mind **it**.</Note>\n\n2. Next", "1. Do\n\n   > [!NOTE]\n   > Mind **it**.\n\n2. Next"),
        ("<Admonition type='danger' title='Hot'>\n- a\n  - b\n</Admonition>", "> [!CAUTION] Hot\n> - a\n>   - b"),
        ("See <Link to='/b'>b</Link>, <Badge>new</Badge>.", "See [b](/b), new."),
        ("<Image\n  src='/a.png'\n  alt={'Shot'}\n/>", "![Shot](/a.png)"),
        ("<Image\n  src={shot}\n  onLoad={() => x > 1}\n/>\n\ntext", "text"),
        ("import {\n  A,\n  B,\n} from 'x';\nimport 'y';\n\ntext", "text"),
        ("export const a = () => {\n\n  return [1];\n};\n\ntext", "text"),
        (
            "Write `<Tabs>` or\n\n```jsx\n<Tabs>{/* kept */}\n```",
            "Write `<Tabs>` or\n\n```jsx\n<Tabs>{/* kept */}\n```",
        ),
        ("<Tab title='a'>x</Step>y", "xy"),
        ("</Tabs>List<String> of\n<Note>", "List of"),
        ("| <Tip>a</Tip> | <Step title='b'>c</Step> |", "| a | **b** c |"),
        ("<Tabs><Tab title='a'>b</Tab></Tabs>", "**a**\n\nb"),
    ],
)
def test_components_become_the_markdown_that_says_the_same(mdx: str, markdown: str) -> None:
    assert convert_html_blocks(strip_mdx(mdx)[0]) == markdown


def test_only_components_that_are_gone_are_reported() -> None:
    assert strip_mdx("<Tabs><Tab title='a'>b</Tab></Tabs><Badge/> <Badge a=\"'/>")[1] == ("component Badge",)


def test_components_that_nest_without_end_end() -> None:
    text, _ = strip_mdx("<Note>\n" * 3_000 + "text" + "</Note>" * 3_000)
    assert "text" in text
    assert "Note>" not in text
    assert strip_mdx("{/*" * 60_000)[0] == "{/*" * 60_000


@pytest.mark.parametrize(
    ("body", "title", "text"),
    [
        ("import Tabs from '@theme/Tabs';\n\n# Install\n\n<Tabs>\n\nGo.\n\n</Tabs>", "Install", "Go."),
        ("# Install\n\n<Steps>\n<Step title='One'>Go.</Step>\n</Steps>", "Install", "**One**\n\nGo."),
        ("# Install\n\n```js\nimport a from 'b'\n```\n\n<Go>", "Install", "```js\nimport a from 'b'\n```\n\n<Go>"),
    ],
)
def test_markdown_that_imports_or_closes_components_is_mdx(tmp_path: Path, body: str, title: str, text: str) -> None:
    (draft,) = read_articles(write(tmp_path, "docs/a.md", body)).drafts
    assert (draft.content.title, draft.content.body) == (title, text)


@pytest.mark.parametrize(
    ("hugo", "markdown"),
    [
        (
            '{{< tabs >}}\n{{< tab "macOS" >}}\n1. a\n2. b\n{{< /tab >}}\n'
            '{{% tab name="Windows" %}}\n1. c\n{{% /tab %}}\n{{< /tabs >}}',
            "**macOS**\n\n1. a\n2. b\n\n**Windows**\n\n1. c",
        ),
        ('{{< details "Read more" >}}\ntext\n{{< /details >}}', "**Read more**\n\ntext"),
        ("1. Do\n\n   {{< note >}}\n   - a\n     - b\n   {{< /note >}}", "1. Do\n\n   > [!NOTE]\n   > - a\n   >   - b"),
    ],
)
def test_shortcodes_keep_their_names_and_what_stands_inside(hugo: str, markdown: str) -> None:
    text, left_out = resolve_shortcodes(hugo)
    assert convert_html_blocks(text) == markdown
    assert left_out == ()


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("Write `{{ticket.id}}` into it.", "Write `{{ticket.id}}` into it."),
        ("```yaml\nkey: ${{ secrets.KEY }}\n{% if x %}a{% endif %}\n```\n\n{{ name }}.", None),
        ("{% raw %}{{ a }}{% endraw %} `{{ b }} {% raw %}{{ c }}{% endraw %}`", "{{ a }} `{{ b }} {{ c }}`"),
        ("{% assign a = 'b' %}Write `{{ a }}`.", "Write `b`."),
        ("[x]({{ site.baseurl }}/y) `a{{ site.baseurl }}`", "[x](/y) `a`"),
    ],
)
def test_braces_in_code_are_liquid_only_where_a_file_uses_liquid(markdown: str, text: str | None) -> None:
    wanted = markdown.replace("{{ name }}", "") if text is None else text
    assert resolve_liquid(markdown, {})[0] == wanted
