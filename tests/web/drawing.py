"""A page as an SVG: its boxes, its texts where they stand, the bars of its time axis. A picture that is text."""

import json
import math
from html import escape

# Boxes first, then texts, in the order of the page. A text is cut into the lines that the browser made of it.
COLLECT = """(last => {
    const end = document.querySelector(last).getBoundingClientRect().bottom + 8;
    const seen = colour => colour && !/^rgba\\(.*, 0\\)$/.test(colour) && colour !== "transparent";
    const boxes = [], texts = [];
    const round = value => Math.round(value * 10) / 10;
    for (const node of document.body.querySelectorAll("*")) {
        if (!node.checkVisibility() || node.closest(".skip, .unseen, noscript, option") || node.tagName === "CANVAS") continue;
        const {x, y, width, height} = node.getBoundingClientRect(), style = getComputedStyle(node);
        if (!width || !height || y > end) continue;
        const edge = parseFloat(style.borderTopWidth) && seen(style.borderTopColor) ? style.borderTopColor : null;
        const fill = seen(style.backgroundColor) ? style.backgroundColor : null;
        const box = [x, y, width, Math.min(height, end + 20 - y)].map(round);
        if (fill || (edge && parseFloat(style.borderLeftWidth))) boxes.push([...box, fill, edge, Math.min(parseFloat(style.borderTopLeftRadius) || 0, height / 2)]);
        else if (edge) boxes.push([box[0], box[1], box[2], 1, edge, null, 0]);
        if (style.borderLeftStyle === "solid" && parseFloat(style.borderLeftWidth) >= 2 && !node.matches("a, button")) boxes.push([box[0], box[1], parseFloat(style.borderLeftWidth), box[3], style.borderLeftColor, null, 0]);
        const sign = getComputedStyle(node, "::before");
        if (node.matches(".status, .key")) boxes.push([x, y + height / 2 - 4.5, 9, 9, sign.backgroundColor, null, node.matches(".status") ? 4.5 : 2].map(each => typeof each === "number" ? round(each) : each));
        if (node.matches("summary, .turn-name")) {
            const open = node.parentNode.open || node.ariaExpanded === "true";
            texts.push({x, y, height, width: 9, words: open ? "\u25be" : "\u25b8", colour: style.color, size: "13px", weight: "400"});
        }
        const named = node.closest("h1, h2, h3, h4, h5, button, a, summary, pre") !== null;
        for (const child of node.childNodes) if (child.nodeType === 3 && child.data.trim()) lines(child, style, named);
    }
    function lines(text, style, named) {
        const range = document.createRange();
        let line = null;
        for (let place = 0; place < text.length; place += 1) {
            range.setStart(text, place); range.setEnd(text, place + 1);
            const {x, y, width, height} = range.getBoundingClientRect();
            if (!width || y > end) continue;
            if (!line || Math.abs(line.y - y) > 2) texts.push(line = {x, y, height, words: "", colour: style.color, size: style.fontSize, weight: style.fontWeight, mono: style.fontFamily.includes("mono"), named});
            line.words += text.data[place]; line.width = x + width - line.x;
        }
    }
    const canvas = document.querySelector("canvas"), at = canvas.getBoundingClientRect();
    const paper = canvas.getContext("2d"), colours = getComputedStyle(canvas);
    for (const [kind, row] of [["model", 13], ["code", 31], ["sub", 71]]) bars(kind, row);
    function bars(kind, row) {
        const own = colours.getPropertyValue("--" + kind).match(/[0-9a-f]{2}/g).map(each => parseInt(each, 16));
        const height = place => {
            const column = paper.getImageData(place, kind === "sub" ? 42 : row, 1, kind === "sub" ? 30 : 1).data;
            let count = 0;
            for (let index = 0; index < column.length; index += 4) count += own.every((each, part) => Math.abs(each - column[index + part]) < 3);
            return count;
        };
        let begin = 0, last = 0;
        for (let place = 0; place <= canvas.width; place += 1) {
            const now = place < canvas.width ? height(place) : 0;
            if (now === last) continue;
            const tall = kind === "sub" ? last : 14;
            if (last) boxes.push([at.x + begin, at.y + (kind === "sub" ? 72 - tall : row - 7), place - begin, tall, colours.getPropertyValue("--" + kind), null, 0].map(each => typeof each === "number" ? round(each) : each));
            begin = place; last = now;
        }
    }
    return {boxes, texts, width: innerWidth, height: Math.ceil(end), page: getComputedStyle(document.body).backgroundColor};
})"""
FONTS = {True: "ui-monospace, 'DejaVu Sans Mono', monospace", False: "system-ui, 'DejaVu Sans', sans-serif"}


async def draw(page, last):
    """The page down to the element `last`, as it is shown now; and what stands in its headings, controls and blocks."""
    found = await page.run(f"{COLLECT}({json.dumps(last)})")
    width, height = found["width"], found["height"]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">',
        f'<rect width="{width}" height="{height}" fill="{found["page"]}"/>',
        *(_box(each) for each in found["boxes"]),
        *(_text(each) for each in found["texts"]),
        "</svg>",
    ]
    return "\n".join(parts) + "\n", [letters(each["words"]) for each in found["texts"] if each.get("named")]


def letters(text):
    """Without digits and blanks, which differ from one run to the next."""
    return "".join(each for each in text if not each.isdigit() and not each.isspace())


def _box(box):
    x, y, width, height, fill, edge, radius = box
    border = f' stroke="{edge}"' if edge else ""
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="{radius:g}" fill="{fill or "none"}"{border}/>'


def _text(text):
    size = float(text["size"].removesuffix("px"))
    base = round(text["y"] + text["height"] / 2 + size * 0.36, 1)
    weight = "" if text["weight"] == "400" else f' font-weight="{text["weight"]}"'
    place = f'x="{text["x"]:.1f}" y="{base}" textLength="{math.ceil(text["width"])}" lengthAdjust="spacingAndGlyphs"'
    kind = f'font-family="{FONTS[text.get("mono", False)]}" font-size="{size:g}"{weight} fill="{text["colour"]}"'
    return f'<text {place} {kind} xml:space="preserve">{escape(text["words"].rstrip(chr(10)))}</text>'
