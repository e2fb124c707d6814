"""Finding things by name in any script, by pinyin, phone or e-mail (CUS-06).

An entity that mixes in `Searchable` and calls `index_search` is found by `search_clause` within lists, and by
`search_select` as the answer of a search box. How texts are made comparable is in `text` and `addresses`.
"""

from facet_kit.search.addresses import normalise_email, normalise_phone
from facet_kit.search.model import Searchable, search_indexes
from facet_kit.search.query import search_clause, search_select
from facet_kit.search.text import normalise_name

__all__ = [
    "Searchable",
    "normalise_email",
    "normalise_name",
    "normalise_phone",
    "search_clause",
    "search_indexes",
    "search_select",
]
