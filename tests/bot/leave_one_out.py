"""How well the bot understands the visitors of a company that it was not trained on: each of the sample help centres
is left out once, the pipeline of `bot/config.yml` trained on the rest, and what was left out understood.

    python -m tests.bot.leave_one_out FOLDER [--only NAME ...]

FOLDER holds one folder for each company with `questions.jsonl`, lines of `question`, `slugs`, `kind`. A company takes
about two minutes on two cores.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import yaml

from handoff.settings import read_settings
from handoff.understanding import Line, Understood, understand

NLU_FOLDER = Path(__file__).resolve().parents[2] / "bot/data/nlu"
WANTED = {"ask_human": "ask_for_person", "account_specific": "account_specific"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="*", default=[], help="these companies instead of all")
    arguments = parser.parse_args()
    examples = list(read_examples())
    counts: Counter[tuple[str, str]] = Counter()
    for file in sorted(arguments.folder.glob("*/questions.jsonl")):
        if arguments.only and file.parent.name not in arguments.only:
            continue
        questions = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        own = {simplify(question["question"]) for question in questions}
        rest = [example for example in examples if simplify(example["text"]) not in own]
        understood, _ = understand(
            read_settings(), [{"text": question["question"]} for question in questions], examples=rest
        )
        found = count(questions, understood)
        print(file.parent.name, describe(found), flush=True)
        counts += found
    print("all", describe(counts))


def read_examples() -> Iterable[Line]:
    """Yield the bot's training examples as lines of text and intent."""
    for path in sorted(NLU_FOLDER.glob("*.yml")):
        for entry in yaml.safe_load(path.read_text(encoding="utf-8"))["nlu"]:
            for line in entry["examples"].splitlines() if "intent" in entry else ():
                yield {"text": line.removeprefix("- ").strip(), "intent": entry["intent"]}


def count(questions: list[Line], understood: list[Understood]) -> Counter[tuple[str, str]]:
    """Count by kind and intent; a question that an article answers is of the kind "answerable"."""
    kinds = ["answerable" if question["slugs"] else question["kind"] for question in questions]
    return Counter(zip(kinds, (one.intent or "nlu_fallback" for one in understood), strict=True))


def describe(counts: Counter[tuple[str, str]]) -> str:
    shares = [f"{kind} recall {share(counts, kind, intent):.3f}" for kind, intent in WANTED.items()]
    shares.append(f"with ask_for_contact {share(counts, 'ask_human', 'ask_for_person', 'ask_for_contact'):.3f}")
    shares.append(f"answerable taken for either {share(counts, 'answerable', *WANTED.values()):.4f}")
    shares.append(f"for out of scope {share(counts, 'answerable', 'out_of_scope'):.4f}")
    return ", ".join(shares)


def share(counts: Counter[tuple[str, str]], kind: str, *intents: str) -> float:
    total = sum(number for (of, _), number in counts.items() if of == kind)
    return sum(counts[kind, intent] for intent in intents) / total if total else 0.0


def simplify(text: str) -> str:
    return " ".join(text.split()).casefold()


if __name__ == "__main__":
    main()
