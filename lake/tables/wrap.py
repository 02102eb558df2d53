"""Documents that are not an object with an id, made into one before they are parsed."""

import pyarrow as pa
import pyarrow.compute as pc

# The member that such a document becomes, beside its id.
WRAPPED = {"meta": "meta", "pokemon-encounters": "encounters"}


def wrapped(resource: str, rows: pa.Table) -> pa.StringArray:
    """Return the documents' JSON texts, those of a wrapped resource as ``{"id": 25, "encounters": [...]}``."""
    bodies = rows["body"].combine_chunks()
    if resource not in WRAPPED:
        return bodies
    ids = rows["id"].combine_chunks().cast(pa.string())
    return pc.binary_join_element_wise('{"id": ', ids, f', "{WRAPPED[resource]}": ', bodies, "}", "")
