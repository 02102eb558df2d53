"""A view of items: what they cost, and where the source does not say."""

from lake.views.declare import text, view, whole

ITEM_PRICE_LIST = view(
    "item_price_list",
    "one row per item, games and currency in which it has a price, and one per item of which the source gives none",
    ("item_id", "ordinal"),
    "items item_prices item_categories version_groups currencies",
    (
        whole("item_id", "PokeAPI's id of the item.", references="item"),
        whole(
            "ordinal",
            "Place among the item's prices, from 1; 0 where there are none by game.",
            stand_ins=((0, "no price by game"),),
        ),
        text("item", "PokeAPI's slug of the item."),
        text("category", "PokeAPI's slug of its category. Null: the category is not in the lake."),
        text("games", "PokeAPI's slug of the games. Null: the source gives no price by game."),
        text("currency", "What is paid with. Null: the source gives no price."),
        whole("purchase_price", "What a shop asks for it, in that currency. Null: see `remark`."),
        whole("sell_price", "What a shop pays for it, in that currency. Null: see `remark`."),
        text("remark", "What the source does not say, or says in another way. Null: it gives both prices."),
    ),
    """
SELECT
    i.item_id, coalesce(p.ordinal, 0) AS ordinal, i.name AS item, c.name AS category, g.name AS games,
    CASE WHEN p.item_id IS NOT NULL THEN m.name WHEN i.cost > 0 THEN 'poke-dollar' END AS currency,
    CASE WHEN p.item_id IS NOT NULL THEN p.purchase_price WHEN i.cost > 0 THEN i.cost END AS purchase_price,
    p.sell_price,
    CASE
        WHEN p.item_id IS NULL AND i.cost > 0 THEN 'The source gives one price for all games, and none for selling.'
        WHEN p.item_id IS NULL AND i.cost = 0 THEN 'The source says 0: it is not sold, or its price is not known.'
        WHEN p.item_id IS NULL THEN 'The source gives no price, which does not mean that shops have none.'
        WHEN p.purchase_price IS NULL AND p.sell_price IS NULL THEN 'Shops neither sell nor buy it.'
        WHEN p.purchase_price IS NULL THEN 'Shops do not sell it.'
        WHEN p.sell_price IS NULL THEN 'Shops do not buy it.'
    END AS remark
FROM items i
LEFT JOIN item_prices p ON p.item_id = i.item_id
LEFT JOIN item_categories c ON c.item_category_id = i.category_id
LEFT JOIN version_groups g ON g.version_group_id = p.version_group_id
LEFT JOIN currencies m ON m.currency_id = p.currency_id
""",
)
