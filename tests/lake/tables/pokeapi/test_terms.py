"""Small vocabularies, and what little they say."""

from tests.lake.tables import sample, tables


def test_a_species_without_genders_has_no_share_of_females():
    """The source says -1, and -1 eighths must not reach an average."""
    ditto, magnemite = tables("gender", sample("gender-3"))["gender_species"]
    assert (ditto["species_id"], ditto["female_eighths"]) == (132, None)
    assert (magnemite["species_id"], magnemite["female_eighths"]) == (81, 0)


def test_the_levels_of_a_growth_rate_are_rows():
    rows = tables("growth-rate", sample("growth-rate-2"))["growth_rate_levels"]
    assert [(row["level"], row["experience"]) for row in rows] == [(1, 0), (2, 8)]


def test_the_document_without_an_id_is_the_row_zero():
    [row] = tables("meta", sample("meta-0"))["meta"]
    assert (row["meta_id"], row["hash"], row["tag"]) == (0, sample("meta-0")["meta"]["hash"], None)
