"""The twenty questions; that their answers are current is tested with all that is generated."""

import re

from tests.docs.cookbook import PAGE, RECIPE


def test_each_of_twenty_questions_has_one_query_and_an_answer():
    questions = re.split(r"^### (\d+)\. .+\?$", PAGE.read_text(), flags=re.MULTILINE)
    assert list(map(int, questions[1::2])) == list(range(1, 21))
    for text in questions[2::2]:
        [(query, answer)] = RECIPE.findall(text)
        # Queries with two joins have more than one line.
        assert len(query.splitlines()) <= 5
        assert answer.strip()
