"""The product tree, without a database: model codes and moves."""

from __future__ import annotations

import pytest

from facet_kit.errors import Conflict
from facet_sales.catalog.model import ProductCategory
from facet_sales.catalog.policy import model_key, moved_path


@pytest.mark.parametrize("code", ["AC-100", "ac-100", " AC-100 ", "ＡＣ－１００"])
def test_width_case_and_blanks_do_not_tell_model_codes_apart(code: str) -> None:
    assert model_key(code) == model_key("AC-100")


def test_a_moved_category_keeps_what_is_below_it() -> None:
    assert moved_path(["root", "a", "b", "c"], "b", ["other"]) == ["other", "b", "c"]
    assert moved_path(["root", "a"], "a", []) == ["a"]


def test_a_category_cannot_move_below_itself() -> None:
    top = ProductCategory(id="top", display_name="Top", parent_id=None, ancestor_ids=["top"])
    below = ProductCategory(id="below", display_name="Below", parent_id="top", ancestor_ids=["top", "below"])
    for parent in (top, below):
        with pytest.raises(Conflict) as refused:
            top.move(parent, [top, below])
        assert refused.value.reason == "CATEGORY_CYCLE"
    assert top.ancestor_ids == ["top"]
