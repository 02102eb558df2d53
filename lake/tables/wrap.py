"""Wraps documents that are no object with an id, such as a list of encounters, into one before they are parsed."""

import pyarrow as pa
import pyarrow.compute as pc

# By resource: the name of the member that holds the document inside the wrapping.
WRAPPED = {"meta": "meta", "pokemon-encounters": "encounters"}


def wrapped(resource: str, rows: pa.Table) -> pa.StringArray:
    """Return the documents' JSON texts; one of a wrapped resource becomes ``{"id": 25, "encounters": [...]}``."""
    bodies = rows["body"].combine_chunks()
    if resource not in WRAPPED:
        return bodies
    ids = rows["id"].combine_chunks().cast(pa.string())
    return pc.binary_join_element_wise('{"id": ', ids, f', "{WRAPPED[resource]}": ', bodies, "}", "")
