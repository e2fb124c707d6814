"""How names, phones and e-mails are made comparable."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facet_kit.errors import Invalid
from facet_kit.search import normalise_email, normalise_name, normalise_phone
from facet_kit.search.text import bigrams, pinyin_keys


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("腾讯科技（深圳）有限公司", "腾讯科技深圳有限公司"),
        ("重慶長安汽車", "重庆长安汽车"),
        ("ＡＣＭＥ　Holdings,  Ltd.", "acme holdings ltd"),
        ("华为 Tech", "华为 tech"),
        ("7-Eleven_Shop", "7-eleven shop"),
        ("Li.Lei@X.com", "li.lei@x.com"),
        ("……", ""),
    ],
)
def test_width_case_script_and_punctuation_do_not_count(written: str, normal: str) -> None:
    assert normalise_name(written) == normal


@given(st.text(max_size=30))
def test_a_normal_name_is_its_own_normal_form(name: str) -> None:
    normal = normalise_name(name)
    assert normalise_name(normal) == normal


def test_pinyin_reads_words_not_characters() -> None:
    assert pinyin_keys("重庆长安汽车") == ("chongqingchanganqiche", "cqcaqc")
    assert pinyin_keys("acme") is None


def test_bigrams_have_a_chinese_character() -> None:
    assert bigrams("华为 tech云") == {"华为", "h云"}


@pytest.mark.parametrize(
    "written", ["13812345678", "+86 138 1234 5678", "0086-138-1234-5678", "１３８１２３４５６７８"]
)
def test_phones_have_one_form(written: str) -> None:
    assert normalise_phone(written) == "+8613812345678"


def test_a_phone_without_country_code_belongs_to_the_region() -> None:
    assert normalise_phone("0755-8601 3388") == "+8675586013388"
    assert normalise_phone("202 555 0123", region="US") == "+12025550123"


@pytest.mark.parametrize("written", ["", "123", "call me", "+86 138 1234 5678 9999 00", "\x00"])
def test_impossible_phones_are_refused(written: str) -> None:
    with pytest.raises(Invalid) as refused:
        normalise_phone(written, field="contact.phones[0]")
    assert refused.value.violations[0].field == "contact.phones[0]"


def test_emails_have_one_form() -> None:
    assert normalise_email(" Li.Lei@Example.COM ") == "li.lei@example.com"


@pytest.mark.parametrize("written", ["", "a", "a@b", "a@@b.c", "a b@c.de", "@b.cn", "a@b..cn"])
def test_texts_that_are_no_email_are_refused(written: str) -> None:
    with pytest.raises(Invalid):
        normalise_email(written)
