"""Pages and seals as SVG: what is there is drawn, what is hostile is not, and what is left out is said."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from apps.signing.ofd import made
from kouan.apps.signing.ofd import reading
from kouan.apps.signing.ofd.drawing import graphics, limits, page, pictures
from kouan.apps.signing.ofd.drawing.codes import Omission
from kouan.apps.signing.ofd.writing import package, sealing

SVG = "{http://www.w3.org/2000/svg}"
PAGE = "Doc_0/Pages/Page_0/Content.xml"


def drawn(parts: package.Parts, number: int = 1) -> page.Drawing:
    document = reading.read(package.pack(parts))
    return reading.page_drawing(document, reading.signatures(document), number)


def showing(objects: str, resources: str = "", **files: bytes) -> page.Drawing:
    parts = made.plain()
    parts[PAGE] = package.element("Page", f"<ofd:Content><ofd:Layer>{objects}</ofd:Layer></ofd:Content>")
    parts["Doc_0/PublicRes.xml"] = package.element("Res", resources)
    parts.update({f"Doc_0/{name.replace('_', '.')}": data for name, data in files.items()})
    return drawn(made.sealed(parts=parts, places=[]))


def tree(drawing: page.Drawing) -> ET.Element:
    return ET.fromstring(drawing.svg)  # noqa: S314 - our own SVG


def test_a_page_shows_its_words_its_lines_and_the_seal_where_it_stands():
    drawing = drawn(made.sealed())
    root = tree(drawing)
    assert root.get("viewBox") == "0 0 210 297"
    (text,) = root.iter(f"{SVG}text")
    assert text.text == "深圳市公共服務中心 Public Service Centre"
    assert text.get("x").split()[:3] == ["0", "6", "12"]
    (stroke,) = root.iter(f"{SVG}path")
    assert (stroke.get("d"), stroke.get("stroke")) == ("M0 0.5L170 0.5", "#c81e1e")
    seal = list(root.iter(f"{SVG}svg"))
    inner = [element for element in seal if element is not root]
    assert [(one.get("x"), one.get("y"), one.get("width")) for one in inner] == [("130", "200", "40")]
    (image,) = root.iter(f"{SVG}image")
    shown = Image.open(io.BytesIO(base64.b64decode(image.get("href").removeprefix("data:image/png;base64,"))))
    assert shown.size == (120, 120)
    assert drawing.omitted == ()


def test_the_page_on_which_the_seal_stands_is_the_one_that_is_shown():
    parts = made.sealed(places=[sealing.Place(package.page_identifier(1), (1, 1, 40, 40))])
    document = reading.read(package.pack(parts))
    number = reading.page_of(document, reading.signatures(document)[0])
    assert (number, "第二頁" in drawn(parts, number).svg.decode()) == (2, True)
    assert drawn(parts, 3) is None
    assert drawn(parts, 0) is None


def test_a_seal_that_crosses_an_edge_shows_the_part_that_stands_here():
    parts = made.sealed()
    name = "Doc_0/Signs/Sign_0/Signature.xml"
    parts[name] = parts[name].replace(b'Boundary="130', b'Clip="0 0 8 40" Boundary="130')
    inner = next(element for element in tree(drawn(parts)).iter(f"{SVG}svg") if element.get("x"))
    assert (inner.get("width"), inner.get("viewBox")) == ("8", "0 0 8 40")


def test_a_seal_whose_picture_is_an_ofd_document_is_drawn_as_one():
    look = sealing.Look("ofd", package.pack(made.plain(pages=([package.Line("章", 90, 90)],))), 30, 20)
    found = made.only(made.sealed(seal=made.seal(look=look)))
    drawing = page.draw_seal(found.seal)
    assert [text.text for text in tree(drawing).iter(f"{SVG}text")] == ["章"]
    assert (drawing.width, drawing.height, drawing.omitted) == (30, 20, ())


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", Omission.PICTURE_FORMAT),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", Omission.PICTURE_FORMAT),
        (b"\x89PNG\r\n\x1a\n but no picture", Omission.PICTURE_FORMAT),
        (b"PK\x03\x04 but no document", Omission.PICTURE_DAMAGED),
        (b"PIECE", Omission.PICTURE_DAMAGED),
    ],
)
def test_a_seals_picture_that_is_none_is_not_shown(data, why):
    if data == b"PIECE":
        data = made.ring()[:-200]
    found = made.only(made.sealed(seal=made.seal(look=sealing.Look("png", data))))
    drawing = page.draw_seal(found.seal)
    assert (drawing.omitted, b"<image" in drawing.svg) == ((why,), False)


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded():
    buffer = io.BytesIO()
    Image.new("1", (9000, 10)).save(buffer, "PNG")
    with pytest.raises(pictures.CannotShow) as caught:
        pictures.decoded(buffer.getvalue())
    assert caught.value.why == Omission.PICTURE_DAMAGED


def test_a_picture_is_written_anew_without_what_else_its_file_held():
    assert b"secret" not in pictures.png(made.ring() + b"secret")


def test_text_from_the_document_stays_text():
    box = 'Boundary="0 0 9 9"'
    drawing = showing(
        f'<ofd:TextObject {box} Font="1" Size="3"><ofd:TextCode X="0" Y="3">'
        "&lt;script&gt;x&lt;/script&gt;&amp;"
        "</ofd:TextCode></ofd:TextObject>",
        '<ofd:Fonts><ofd:Font ID="1" FontName="a&quot; onload=&quot;x" FamilyName=""/></ofd:Fonts>',
    )
    root = tree(drawing)
    assert [text.text for text in root.iter(f"{SVG}text")] == ["<script>x</script>&"]
    assert {element.tag for element in root.iter()} <= {
        f"{SVG}{name}" for name in ("svg", "rect", "g", "text")
    }
    assert not [name for element in root.iter() for name in element.attrib if name.startswith("on")]


def test_distances_that_repeat_are_written_out():
    drawing = showing(
        '<ofd:TextObject Boundary="5 5 9 9" Size="3"><ofd:TextCode X="1" Y="3" DeltaX="g 2 1.5 -3" '
        'DeltaY="g 2 0 4">abcd</ofd:TextCode></ofd:TextObject>'
    )
    (text,) = tree(drawing).iter(f"{SVG}text")
    assert (text.get("x"), text.get("y")) == ("1 2.5 4 1", "3 3 3 7")


def test_pictures_templates_and_parameters_are_found_by_their_identifiers():
    drawing = showing(
        '<ofd:ImageObject Boundary="1 2 30 40" ResourceID="7" CTM="30 0 0 40 0 0"/>'
        '<ofd:ImageObject Boundary="1 2 30 40" ResourceID="8"/>'
        '<ofd:PathObject Boundary="0 0 9 9" Fill="true" DrawParam="2">'
        "<ofd:AbbreviatedData>S 0 0 B 1 1 2 2 3 3 "
        "A 1 1 0 0 1 4 4 C</ofd:AbbreviatedData></ofd:PathObject>",
        '<ofd:MultiMedias><ofd:MultiMedia ID="7" Type="Image"><ofd:MediaFile>a.png</ofd:MediaFile>'
        '</ofd:MultiMedia></ofd:MultiMedias><ofd:DrawParams><ofd:DrawParam ID="1" LineWidth="2">'
        "<ofd:FillColor "
        'Value="0 0 0 255" Alpha="51"/></ofd:DrawParam><ofd:DrawParam ID="2" Relative="1"><ofd:StrokeColor '
        'Value="#80"/></ofd:DrawParam></ofd:DrawParams>',
        a_png=made.ring(),
    )
    root = tree(drawing)
    (image,) = root.iter(f"{SVG}image")
    assert image.get("transform") == "matrix(30 0 0 40 0 0)"
    (path,) = root.iter(f"{SVG}path")
    assert path.get("d") == "M0 0C1 1 2 2 3 3A1 1 0 0 1 4 4Z"
    assert [path.get(name) for name in ("fill", "fill-opacity", "stroke", "stroke-width")] == [
        "#000000",
        "0.2",
        "#808080",
        "2",
    ]
    assert drawing.omitted == (Omission.PICTURE_MISSING,)


def test_what_is_not_drawn_is_said():
    drawing = showing(
        '<ofd:PathObject Boundary="0 0 9 9" Fill="true"><ofd:FillColor><ofd:AxialShd/></ofd:FillColor>'
        "<ofd:Clips/>"
        "<ofd:AbbreviatedData>M 0 0</ofd:AbbreviatedData></ofd:PathObject>"
        '<ofd:PathObject Boundary="0 0 9 9"><ofd:AbbreviatedData>X 0 0</ofd:AbbreviatedData></ofd:PathObject>'
        '<ofd:CompositeObject Boundary="0 0 9 9" ResourceID="9"/>'
        '<ofd:TextObject Boundary="0 0 9 9" Size="3" Font="1"><ofd:CGTransform/></ofd:TextObject>',
        '<ofd:Fonts><ofd:Font ID="1" FontName="f"><ofd:FontFile>f.ttf</ofd:FontFile></ofd:Font></ofd:Fonts>',
    )
    assert set(drawing.omitted) == {
        Omission.CLIPPING,
        Omission.SHADING,
        Omission.MALFORMED,
        Omission.COMPOSITES,
        Omission.GLYPHS,
    }


def test_a_composite_that_holds_itself_ends():
    composite = '<ofd:CompositeObject Boundary="0 0 9 9" ResourceID="9"/>'
    drawing = showing(
        composite,
        '<ofd:CompositeGraphicUnits><ofd:CompositeGraphicUnit ID="9"><ofd:Content>'
        f"{composite}</ofd:Content></ofd:CompositeGraphicUnit></ofd:CompositeGraphicUnits>",
    )
    assert drawing.omitted == (Omission.LIMIT,)


def test_composites_that_double_each_other_end():
    units = "".join(
        f'<ofd:CompositeGraphicUnit ID="{number}"><ofd:Content>'
        + f'<ofd:CompositeObject Boundary="0 0 9 9" ResourceID="{number + 1}"/>' * 9
        + "</ofd:Content></ofd:CompositeGraphicUnit>"
        for number in range(15)
    )
    drawing = showing(
        '<ofd:CompositeObject Boundary="0 0 9 9" ResourceID="0"/>',
        f"<ofd:CompositeGraphicUnits>{units}</ofd:CompositeGraphicUnits>",
    )
    assert Omission.LIMIT in drawing.omitted
    assert len(drawing.svg) < limits.MAX_SVG


def test_a_parameter_that_rests_on_itself_ends():
    drawing = showing(
        '<ofd:PathObject Boundary="0 0 9 9" DrawParam="1"><ofd:AbbreviatedData>M 0 0 L 1 1'
        "</ofd:AbbreviatedData>"
        "</ofd:PathObject>",
        '<ofd:DrawParams><ofd:DrawParam ID="1" Relative="1"/></ofd:DrawParams>',
    )
    assert b"<path" in drawing.svg


@pytest.mark.parametrize("words", ["M", "M 1", "L 0 0", "X 1 1", "M nan 0", "M 1e99 0", "M 0 0 B 1 2 3"])
def test_an_outline_that_is_none_is_refused(words):
    with pytest.raises(graphics.Malformed):
        graphics.outline(words)


WORD = st.sampled_from(
    ["0", "-1", "9.5", "g", "M", "L", "B", "C", "1e400", "nan", "#ff", "#zz", "<", '"', "", "章"]
)
LINE = st.lists(WORD, max_size=9).map(" ".join)


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(LINE, min_size=10, max_size=10), st.sampled_from(["TextObject", "PathObject", "ImageObject"]))
def test_whatever_an_object_says_the_drawing_is_well_formed(said, kind):
    escaped = [word.replace("<", "&lt;").replace('"', "&quot;") for word in said]
    box, size, matrix, value, across, down, alpha, width, drawn_, text = escaped
    drawing = showing(
        f'<ofd:{kind} Boundary="0 0 9 9 {box}" Size="{size}" CTM="{matrix}" Alpha="{alpha}" '
        f'LineWidth="{width}" '
        f'DashPattern="{down}" HScale="{size}" ResourceID="7" Fill="true"><ofd:FillColor Value="{value}"/>'
        f'<ofd:AbbreviatedData>{drawn_}</ofd:AbbreviatedData><ofd:TextCode X="{across}" Y="{down}" '
        f'DeltaX="{across}" DeltaY="{down}">{text}</ofd:TextCode></ofd:{kind}>',
        '<ofd:MultiMedias><ofd:MultiMedia ID="7"><ofd:MediaFile>a.png</ofd:MediaFile></ofd:MultiMedia>'
        "</ofd:MultiMedias>",
        a_png=made.ring(),
    )
    root = tree(drawing)
    assert not re.search(
        "nan|inf",
        " ".join(
            value
            for element in root.iter()
            for value in element.attrib.values()
            if not value.startswith(("data:", "'"))
        ),
    )


def test_a_seal_of_impossible_size_has_the_usual_one():
    seal = made.only(made.sealed()).seal
    drawing = page.draw_seal(replace(seal, picture=replace(seal.picture, width=-3)))
    assert (drawing.width, drawing.height) == (40, 40)
