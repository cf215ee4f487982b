"""The document's own area: told, registered, in its head, or inferred."""

from __future__ import annotations

import pytest

from geoplan.documents.facts.area import find_area
from geoplan.documents.plans import PlanDocument
from geoplan.documents.reading import document_from_text
from geoplan.errors import DocumentError, PlaceError
from geoplan.gazetteer import Gazetteer
from geoplan.layers.store import Build, gazetteer
from geoplan.terms import Level

NOTHING = "加强农业基础设施建设，完善服务体系。"


@pytest.fixture(scope="module")
def names(build: Build) -> Gazetteer:
    return gazetteer(build)


def area_of(names: Gazetteer, text: str) -> str:
    return find_area(document_from_text(text, "trial"), names).code


@pytest.mark.parametrize(
    ("given", "code", "level"),
    [
        ("山西省", "140000", Level.PROVINCE),
        ("山西省/长治市", "140400", Level.CITY),
        ("长治", "140400", Level.CITY),
        ("阳泉市/郊区", "140311", Level.COUNTY),
    ],
)
def test_the_given_area_counts_first(names: Gazetteer, given: str, code: str, level: Level) -> None:
    area = find_area(document_from_text(f"四川省南充市农业规划\n{NOTHING}", "trial"), names, given)
    assert (area.code, area.level, area.name) == (code, level, names.divisions[code].name)


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ("郊区", PlaceError, "may be any of"),
        ("没有这个市", PlaceError, "no place is called"),
        ("山西省/长治市/上党区/荫城镇", DocumentError, "not a township"),
        ("山西省/长治市/上党区/振兴村", DocumentError, "not a township or a village"),
    ],
)
def test_an_area_that_is_none(names: Gazetteer, given: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        find_area(document_from_text(NOTHING, "trial"), names, given)


def test_a_registered_plan(names: Gazetteer) -> None:
    document = document_from_text(NOTHING, "trial")
    plan = PlanDocument(id="x", title="x", issuer="x", area="山西省/朔州市", lines=1, sha256=document.sha256)
    assert find_area(document, names, "", [plan]).code == "140600"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("长治市“十四五”农业规划", "140400"),
        ("“十四五”长治市农业规划", "140400"),
        ("2025年长治市农业工作要点", "140400"),
        ("山西省长治市上党区荫城镇产业规划", "140404"),
        ("吉林省吉林市农业规划", "220200"),
        ("积石山保安族东乡族撒拉族自治县农业规划", "622927"),
        ("双江拉祜族佤族布朗族傣族自治县农业规划", "530925"),
        ("《长治市农业规划》", "140400"),
        ("山西省人民政府办公厅关于印发《长治市农业规划》的通知", "140400"),
        ("山西省人民政府办公厅关于印发长治市农业规划的通知", "140400"),
        ("中共朔州市委 朔州市人民政府关于推进农业的意见", "140600"),
    ],
)
def test_title_and_issuer(names: Gazetteer, text: str, code: str) -> None:
    assert area_of(names, f"{text}\n{NOTHING}") == code


def test_a_sentence_is_no_title(names: Gazetteer) -> None:
    text = "平定县规划建设蔬菜基地3万亩。\n盂县规划建设谷子基地2万亩。\n全市粮食稳定。"
    assert area_of(names, text) == "140300"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("上党区、潞城区和长子县种植玉米。全市发展玉米。", "140400"),
        ("朔城区建设基地，全区建设基地，朔城区扩大面积。", "140602"),
        ("太原市、长治市、忻州市建设基地，我省发展杂粮。", "140000"),
    ],
)
def test_scope_words_and_places(names: Gazetteer, text: str, code: str) -> None:
    assert area_of(names, text) == code


@pytest.mark.parametrize(
    "text",
    [
        NOTHING,
        "农业发展规划\n全市建设基地。",
        "国务院办公厅关于农业规划的通知",
        "城区农业规划",
        "浙江省和江西省的做法。",
        "南充市、长治市建设基地，全市发展。",
    ],
)
def test_nothing_tells_the_area(names: Gazetteer, text: str) -> None:
    with pytest.raises(DocumentError, match="--area"):
        area_of(names, text)
