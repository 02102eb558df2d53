"""Ready views: questions that are asked often, as SQL over the tables of one snapshot, with a declaration of each."""

from lake.views.declare import View
from lake.views.evolution import EVOLUTIONS
from lake.views.items import ITEM_PRICE_LIST
from lake.views.pokemon import LEARNSETS, POKEMON_WIDE
from lake.views.types import TYPE_CHART, TYPE_MATCHUPS

__all__ = ["VIEWS", "View"]

# By name, in the order in which they are listed.
VIEWS = {view.name: view for view in (EVOLUTIONS, ITEM_PRICE_LIST, LEARNSETS, POKEMON_WIDE, TYPE_CHART, TYPE_MATCHUPS)}
