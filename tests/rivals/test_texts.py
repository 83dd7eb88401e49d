"""Generative against discriminative on texts: read, learned, run forwards, shown; and what is refused."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import sparring
from sparring.data.texts import is_text, open_texts
from sparring.errors import UsageError
from sparring.rivals.texts import TextComparison, compare_texts, some_of

COMMON = ["you", "the", "to", "and", "call", "me", "it", "is", "on", "for", "now"]
OWN = {
    "ham": ["lunch", "home", "love", "later", "sorry", "tomorrow"],
    "spam": ["prize", "cash", "win", "urgent", "claim", "free"],
}


def write_texts(path: Path, n: int = 400, encoding: str = "utf-8") -> Path:
    """Messages whose words are drawn one by one, as naive Bayes takes them to be; a fifth of them are spam."""
    random = np.random.default_rng(0)
    lines = []
    for i in range(n):
        label = "spam" if i % 5 == 0 else "ham"
        words = [*random.choice(COMMON, 6), *random.choice(OWN[label], 2), f"number{i}"]
        lines.append(f"{label}\t{' '.join(random.permutation(words))}")
    path.write_text("\n".join([*lines, lines[0], ""]), encoding=encoding)
    return path


@pytest.fixture(scope="module")
def messages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_texts(tmp_path_factory.mktemp("texts") / "messages.tsv")


@pytest.fixture(scope="module")
def found(messages: Path) -> TextComparison:
    return sparring.compare(messages, seeds=4)


def test_every_text_is_in_one_part(messages: Path) -> None:
    texts = open_texts(str(messages))
    assert texts.classes == ("ham", "spam")
    assert len(texts.train) + len(texts.test) == 400
    assert not set(texts.train.texts) & set(texts.test.texts)
    assert 0.2 < len(texts.test) / 400 < 0.4
    assert "400 different texts of 401 (320 ham, 80 spam)" in texts.notes


def test_entities_are_no_words(messages: Path, tmp_path: Path) -> None:
    """Messages that come from the web: a text is the same text however it is written."""
    extra = "ham\tin &lt;#&gt; min &amp; more\nham\tin <#> min & more\n"
    (tmp_path / "web.tsv").write_text(messages.read_text() + extra)
    texts = open_texts(str(tmp_path / "web.tsv"))
    assert "in <#> min & more" in texts.train.texts + texts.test.texts
    assert len(texts.train) + len(texts.test) == 401
    (tmp_path / "web.tsv").write_text(messages.read_text() + "ham\t&nbsp;\n")
    with pytest.raises(UsageError, match="line 402: a label, a tab and a text are needed"):
        open_texts(str(tmp_path / "web.tsv"))


def test_labels_are_drawn_by_seed_and_as_frequent_as_they_are(messages: Path) -> None:
    texts = open_texts(str(messages))
    draws = [some_of(texts.train, 50, seed) for seed in (0, 0, 1)]
    assert draws[0].texts == draws[1].texts != draws[2].texts
    assert all(draw.labels.sum() == pytest.approx(50 * texts.train.labels.mean(), abs=1) for draw in draws)


def test_both_learn_and_naive_bayes_sooner_where_its_assumption_holds(found: TextComparison) -> None:
    by_labels = {row.labels: row for row in found.learned}
    assert [*by_labels][:4] == [10, 20, 50, 100]
    assert sum(by_labels[labels].difference[0] for labels in (10, 20, 50)) > 0
    last = found.learned[-1]
    assert max(*last.generative, *last.discriminative) < 0.05 < found.majority == pytest.approx(0.2, abs=0.06)
    assert all(len(row.generative) == len(row.discriminative) == 4 for row in found.learned[:-1])


def test_naive_bayes_composes_with_the_words_of_the_class(found: TextComparison) -> None:
    spam = found.composed["spam"]
    assert set(spam.telling[:6]) == set(OWN["spam"])
    assert set(spam.likely[:4]) <= {*COMMON, *OWN["spam"]}
    words = " ".join(spam.messages).split()
    assert sum(word in OWN["spam"] for word in words) > sum(word in OWN["ham"] for word in words)


def test_the_same_call_finds_the_same(messages: Path, found: TextComparison) -> None:
    assert sparring.compare(messages, seeds=4) == found


def test_command(messages: Path, tmp_path: Path, spar) -> None:
    out = tmp_path / "curves.png"
    done = spar("compare", messages, "--seeds", 2, "--json", "--out", out)
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out)["composed"].keys() == {"ham", "spam"}
    assert out.read_bytes().startswith(b"\x89PNG")
    table = spar("compare", messages, "--seeds", 2, "--out", out)
    assert "naive Bayes" in table.out
    assert "composed: " in table.out


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ham\thello\nno tab here\n", "line 2: a label, a tab and a text are needed, not 'no tab here'"),
        ("ham\t\n", "line 1: a label, a tab and a text"),
        ("".join(f"ham\thello {i}\n" for i in range(50)), "50 different texts of 1 classes"),
        ("ham\tone\nspam\ttwo\n", "2 different texts of 2 classes: at least 20"),
        ("spam\twin\n" + "".join(f"ham\thello {i}\n" for i in range(50)), "too few texts of 'spam'"),
        ("", "0 different texts"),
    ],
)
def test_unusable_texts(text: str, says: str, tmp_path: Path, spar) -> None:
    path = tmp_path / "texts.txt"
    path.write_text(text)
    done = spar("compare", path)
    assert done.code == 2
    assert says in done.err
    assert done.err.count("\n") == 1


def test_texts_are_lines_whatever_else_ends_a_line_elsewhere(tmp_path: Path) -> None:
    """A byte order mark, carriage returns, and a line separator of Unicode's within a text."""
    lines = write_texts(tmp_path / "plain.tsv").read_text().replace(" ", "\u2028")
    (tmp_path / "marked.tsv").write_bytes(b"\xef\xbb\xbf" + lines.replace("\n", "\r\n").encode())
    texts = open_texts(str(tmp_path / "marked.tsv"))
    assert texts.classes == ("ham", "spam")
    assert len(texts.train) + len(texts.test) == 400
    assert all("\u2028" in text for text in (*texts.train.texts, *texts.test.texts))


def test_few_texts_and_texts_without_a_word(tmp_path: Path) -> None:
    """As many texts to learn from as one more than a number of labels; and none with a word."""
    texts = open_texts(str(write_texts(tmp_path / "texts.tsv", 100)))
    learned = compare_texts(replace(texts, train=texts.train.take(np.arange(21))), draws=2).learned
    assert [row.labels for row in learned] == [10, 21]
    path = tmp_path / "letters.tsv"
    path.write_text("".join(f"{'ab'[i % 2]}\t{chr(0x1F600 + i)} x\n" for i in range(60)))
    with pytest.raises(UsageError, match=r"none of 10 labelled texts, such as .*has a word of two letters"):
        sparring.compare(path)


def test_what_is_not_there_or_no_utf8(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPARRING_DATA", raising=False)
    with pytest.raises(UsageError, match=r"sms-spam is not on this machine: put its SMSSpamCollection .*SPARRING_DATA"):
        sparring.compare("sms-spam")
    with pytest.raises(UsageError, match="cannot be read"):
        sparring.compare(tmp_path / "none.tsv")
    with pytest.raises(UsageError, match="UTF-8"):
        sparring.compare(write_texts(tmp_path / "wide.tsv", encoding="utf-16"))


def test_arguments_for_images_are_refused(messages: Path) -> None:
    for given, name in (({"seconds": 3.0}, "--seconds"), ({"n": 3}, "-n"), ({"runs": "runs"}, "--runs")):
        with pytest.raises(UsageError, match=f"holds texts, where {name} means nothing"):
            sparring.compare(messages, **given)
    with pytest.raises(UsageError, match="1 draws of labels have no spread"):
        sparring.compare(messages, seeds=1)


def test_what_is_text() -> None:
    assert is_text("sms-spam")
    assert is_text("data/messages.TSV")
    assert is_text("sms-spam/SMSSpamCollection")
    assert not is_text("mnist")
