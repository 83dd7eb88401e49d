"""Generative against discriminative on texts: naive Bayes learns p(x | y), logistic regression p(y | x)."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from PIL.Image import Image
from rich.table import Table
from rich.text import Text
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline, make_pipeline

from sparring.data.texts import TextDataset, Texts
from sparring.errors import UsageError
from sparring.metrics.reading import Progress, no_progress

COUNTS = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)
"""Numbers of labels that are learned from, as far as there are so many; at last all labels."""
WORDS, MESSAGES = 12, 3
"""Of each class that are shown."""
NAMES = ("naive Bayes", "logistic regression")
SOURCE = "after Ng & Jordan 2002, On discriminative vs. generative classifiers (NIPS 14)"


@dataclass(frozen=True)
class Learned:
    """Both errors on held-out texts after so many labels, one for each draw of the labels, in the same order."""

    labels: int
    generative: tuple[float, ...]
    discriminative: tuple[float, ...]

    @property
    def difference(self) -> tuple[float, float]:
        """How much more often the discriminative one errs, and the standard error of that, over the draws."""
        pairs = [d - g for g, d in zip(self.generative, self.discriminative, strict=True)]
        return statistics.fmean(pairs), (statistics.stdev(pairs) / len(pairs) ** 0.5 if len(pairs) > 1 else 0.0)


@dataclass(frozen=True)
class Composed:
    """What naive Bayes generates for a class: the likeliest words, the most telling ones, and messages."""

    likely: tuple[str, ...]
    telling: tuple[str, ...]
    messages: tuple[str, ...]


@dataclass(frozen=True)
class TextComparison:
    """The errors, what naive Bayes composes, and notes for their reader."""

    data: str
    learned: tuple[Learned, ...]
    majority: float
    """The error of always saying the most frequent class."""
    composed: dict[str, Composed]
    seed: int
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The comparison as JSON values."""
        return asdict(self)

    def to_table(self) -> Table:
        """A table for people, with what naive Bayes composes and the notes below it."""
        lines = [f"{name}: {line}" for name, made in self.composed.items() for line in said(made)]
        notes = Text("\n".join([*lines, "", *self.notes]), style="table.caption")
        table = Table(title=f"error on held-out texts of {self.data}", caption=notes, caption_justify="left")
        for heading in ("labels", "draws", *NAMES, "difference"):
            table.add_column(heading, justify="right", no_wrap=True)
        for row in self.learned:
            mean, error = row.difference
            difference = f"{mean:+.2%}" + (f" ± {error:.2%}" if len(row.generative) > 1 else "")
            cells = (spread(row.generative), spread(row.discriminative), difference)
            table.add_row(str(row.labels), str(len(row.generative)), *cells)
        return table

    def picture(self) -> Image:
        """Both errors over the number of labels, RGB."""
        from sparring.rivals.text_picture import error_curves  # it knows this class

        return error_curves(self)


def compare_texts(
    texts: TextDataset, *, draws: int = 10, seed: int = 0, progress: Progress = no_progress
) -> TextComparison:
    """Train both on more and more labels, each number of them drawn several times, stratified by class.

    Both see the counts of those words of a text that the labelled texts have, with scikit-learn's defaults: Laplace's
    smoothing, and a penalty of weight 1 on squared weights. Held-out texts measure and choose nothing.

    Raises:
        UsageError: fewer than two draws, which have no spread, or labelled texts without a word.
    """
    if draws < 2:
        raise UsageError(f"{draws} draws of labels have no spread: ask for two or more (--seeds).")
    rarest = min(np.bincount(texts.train.labels)) / len(texts.train)
    most = len(texts.train) - len(texts.classes)  # scikit-learn leaves one of each class behind
    counts = [count for count in COUNTS if count <= most and count * rarest >= 1]
    learned = []
    for done, count in enumerate(counts):
        progress("labels", done, len(counts))
        pairs = [errors(some_of(texts.train, count, seed + draw), texts.test) for draw in range(draws)]
        learned.append(Learned(count, *zip(*pairs, strict=True)))
    one, other = errors(texts.train, texts.test)
    learned.append(Learned(len(texts.train), (one,), (other,)))
    progress("labels", len(counts), len(counts))
    smoothed, composed = generate(texts, seed)
    majority = 1 - float(np.bincount(texts.test.labels).max()) / len(texts.test)
    notes = (
        *texts.notes,
        f"always saying the most frequent class errs in {majority:.2%}; an error of 2 % is known to ± "
        f"{(0.02 * 0.98 / len(texts.test)) ** 0.5:.2%} with so many held-out texts",
        f"spread: standard deviation over {draws} draws of the labels, from seed {seed} on; the difference is "
        "of pairs, with its standard error",
        f"messages are words drawn one by one, in no order; {smoothed:.0%} of them come from the smoothing alone: no "
        "training message of that class has them",
        "logistic regression says nothing of what a message is like, so it composes none",
        SOURCE,
    )
    return TextComparison(texts.name, tuple(learned), majority, composed, seed, notes)


def some_of(texts: Texts, count: int, seed: int) -> Texts:
    """So many texts, drawn by seed, each class about as frequent as among all."""
    chosen, _ = train_test_split(np.arange(len(texts)), train_size=count, stratify=texts.labels, random_state=seed)
    return texts.take(chosen)


def errors(labelled: Texts, test: Texts) -> tuple[float, float]:
    """The shares of test texts that each gets wrong, learned from the labelled ones."""
    models = MultinomialNB(), LogisticRegression(max_iter=1000)
    naive, logistic = (1 - float(fitted(model, labelled).score(test.texts, test.labels)) for model in models)
    return naive, logistic


def fitted(model: MultinomialNB | LogisticRegression, labelled: Texts) -> Pipeline:
    """A model of the counts of words, learned.

    Raises:
        UsageError: no text has a word.
    """
    counter = CountVectorizer()
    if not any(map(counter.build_analyzer(), labelled.texts)):
        raise UsageError(
            f"none of {len(labelled)} labelled texts, such as {labelled.texts[0][:20]!r}, has a word of two letters or "
            "more: nothing can be learned from them."
        )
    return make_pipeline(counter, model).fit(labelled.texts, labelled.labels)


def generate(texts: TextDataset, seed: int) -> tuple[float, dict[str, Composed]]:
    """Generate from naive Bayes, trained on all training texts.

    Returns:
        The mean over classes of the probability of words that no text of the class has (it comes from the smoothing),
        and what is composed for each class.
    """
    pipeline = fitted(MultinomialNB(), texts.train)
    counter, model = pipeline[0], pipeline[-1]
    vocabulary = counter.get_feature_names_out()
    log_p = model.feature_log_prob_
    unseen = np.where(model.feature_count_ == 0, np.exp(log_p), 0).sum(1).mean()
    lengths = np.asarray(counter.transform(texts.train.texts).sum(1)).ravel()
    random = np.random.default_rng(seed)
    composed = {}
    for number, name in enumerate(texts.classes):
        others = np.logaddexp.reduce(np.delete(log_p, number, 0), 0)
        own_lengths = lengths[texts.train.labels == number]
        messages = [
            random.choice(vocabulary, random.choice(own_lengths), p=np.exp(log_p[number])) for _ in range(MESSAGES)
        ]
        likely, telling = (
            tuple(vocabulary[np.argsort(-score)[:WORDS]]) for score in (log_p[number], log_p[number] - others)
        )
        composed[name] = Composed(likely, telling, tuple(" ".join(words) for words in messages))
    return float(unseen), composed


def spread(values: Sequence[float]) -> str:
    """Mean and standard deviation in per cent; a single value alone."""
    deviation = f" ± {statistics.stdev(values):.2%}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.2%}{deviation}"


def said(made: Composed) -> list[str]:
    """What is shown of a class, a line each."""
    return [
        f"likeliest words: {', '.join(made.likely)}",
        f"most telling words: {', '.join(made.telling)}",
        *(f"composed: {message}" for message in made.messages),
    ]
