"""One question: tools are called, the result is validated, circles are noticed, and it ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from sre_copilot.llm.budget import InvestigationLedger, total
from sre_copilot.llm.protocols import WAYS, Move, Spoken
from sre_copilot.llm.repetition import Repetition
from sre_copilot.llm.sending import Sender, Voice
from sre_copilot.llm.speaking import CallTool, Question, Reply, ToolSpec, Usage
from sre_copilot.llm.tracing import tool_span
from sre_copilot.llm.transcript import (
    ANSWER,
    Called,
    Entry,
    Returned,
    Said,
    Told,
    answer_tool,
    fitted,
    opening,
)
from sre_copilot.llm.troubles import Failure
from sre_copilot.llm.wrapping import neutral, wrapped

Value = TypeVar("Value", bound=BaseModel)

MENDINGS = 1  # times that a wrong result is sent back: a second repair seldom helps, and costs as much
CIRCLES = 2  # repeated calls after which it is given up; the first is answered with a word of advice
ROOM = 0.75  # share of the context that a prompt may fill: estimates of tokens err by a fifth
SHOWN_PROBLEM = 600  # characters of a validation error that are sent back

_AGAIN = f"You called this already, with the same arguments. Its result is above. Call `{ANSWER}` now."
_FIRST_TOOLS = "Call a tool first: the result must rest on what the tools show."
_NOT_WORDS = f"That was no call. Give the result by calling `{ANSWER}`."
_LAST = f"This is the last turn. Call `{ANSWER}` with what you know now."


class Conversation(Generic[Value]):
    """A question on its way; goes on with another model where one fails, with all that was found so far."""

    def __init__(
        self, question: Question[Value], *, ledger: InvestigationLedger, call: CallTool | None, sender: Sender
    ) -> None:
        self._question = question
        self._ledger = ledger
        self._call = call
        self._sender = sender
        self._system, self._text = opening(question)
        self._tools = {tool.name: tool for tool in question.tools} if call else {}
        self._answer = answer_tool(question)
        self._entries: list[Entry] = []
        self._circles = Repetition()
        self._evidence = False
        self._mended: Counter[str] = Counter()
        self._turns = 0
        self.usage = Usage()

    @property
    def turns_left(self) -> int:
        """Answers of models that may still be read."""
        return self._question.max_calls - self._turns

    def with_model(self, voice: Voice, protocol: Spoken, *, context_tokens: int) -> Reply[Value]:
        """Go on with this model until there is a value, or a reason why there is none."""
        room = int(context_tokens * ROOM) - min(voice.settings.max_output_tokens, context_tokens // 4)
        while self.turns_left > 0:
            tools = self._offered()
            entries = fitted(self._entries, tokens=room)
            prompt = WAYS[protocol].prompt(self._system, self._text, entries, tools)
            response = self._sender.send(voice, prompt, ledger=self._ledger, book=self._book)
            if isinstance(response, Failure):
                return self._without(response, voice)
            self._turns += 1
            ended = self._take(WAYS[protocol].read(response, tools), voice)
            if ended is not None:
                return ended
        return self._without(self._too_long(), voice)

    def _offered(self) -> Sequence[ToolSpec]:
        """The tools of the next turn: no answer before the facts, and in the last turn, or after a circle, the answer alone."""
        if not self._may_answer():
            return tuple(self._tools.values())
        closing = self._turns + 1 >= self._question.max_calls or self._circles.often() > 0
        if closing and self._tools:
            if self._turns and not isinstance(self._entries[-1], Told):
                self._entries.append(Told(_LAST))
            return (self._answer,)
        return (*self._tools.values(), self._answer)

    def _may_answer(self) -> bool:
        return self._evidence or not self._tools or not self._question.needs_tools

    def _take(self, move: Move, voice: Voice) -> Reply[Value] | None:
        """Follow what the model did; a reply when that ends the conversation."""
        if not move.calls:
            return self._words(move, voice)
        answer = next((each for each in move.calls if each.tool == ANSWER), None)
        if answer is not None and self._may_answer():
            return self._validated(answer, voice)
        self._entries.extend(move.calls)
        for called in move.calls:
            self._entries.append(Returned(called.id, called.tool, self._result(called)))
        if self._circles.often() >= CIRCLES:
            return self._without(Failure("repetition", "the model repeats the same calls"), voice)
        return self._wrong(voice, "tools", "it answers without a tool") if answer is not None else None

    def _words(self, move: Move, voice: Voice) -> Reply[Value] | None:
        """Words instead of a call: an object in them may be the result."""
        if self._may_answer():
            for found in move.found:
                if (value := self._value(found)) is not None:
                    return self._reply(value, voice)
        self._entries.append(Said(neutral(move.words) or "…"))
        self._entries.append(Told(_NOT_WORDS if self._may_answer() else _FIRST_TOOLS))
        return self._wrong(voice, "words", "it answers in words instead of calling a tool")

    def _validated(self, answer: Called, voice: Voice) -> Reply[Value] | None:
        try:
            value = self._question.result.model_validate(self._restored(answer.arguments))
        except ValidationError as error:
            problem = _said(error)
            self._entries.append(answer)
            self._entries.append(
                Returned(answer.id, ANSWER, f"Not valid: {problem}\nCall `{ANSWER}` again, mended.")
            )
            return self._wrong(voice, "result", f"its result is not valid: {problem}")
        return self._reply(value, voice)

    def _value(self, found: Mapping[str, Any]) -> Value | None:
        try:
            return self._question.result.model_validate(self._restored(found))
        except ValidationError:
            return None

    def _wrong(self, voice: Voice, kind: str, problem: str) -> Reply[Value] | None:
        """Let it mend each kind of mistake once; then give up."""
        self._mended[kind] += 1
        return self._without(Failure("garbage", problem), voice) if self._mended[kind] > MENDINGS else None

    def _result(self, called: Called) -> str:
        """What a call brings: the tool's own words, wrapped; or ours, where it cannot be made."""
        if called.tool == ANSWER:
            return _FIRST_TOOLS
        tool = self._tools.get(called.tool)
        if tool is None or self._call is None:
            return f"There is no such tool. There are: {', '.join([*self._tools, ANSWER])}."
        if self._circles.seen(called.tool, called.arguments):
            return _AGAIN
        with tool_span(called.tool):
            material = self._call(tool.name, self._restored(called.arguments))
        self._evidence = True
        return wrapped(material)

    def _restored(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._ledger.pseudonyms.restored(value)
        if isinstance(value, Mapping):
            return {str(key): self._restored(each) for key, each in value.items()}
        return [self._restored(each) for each in value] if isinstance(value, list) else value

    def _too_long(self) -> Failure:
        if self._circles.often():
            return Failure("repetition", "the model repeats calls instead of answering")
        return Failure("budget", f"no result within {self._question.max_calls} calls", final=True)

    def _book(self, usage: Usage) -> None:
        self.usage = total(self.usage, usage)

    def _reply(self, value: Value, voice: Voice) -> Reply[Value]:
        return Reply(value=value, usage=self.usage, model=voice.name)

    def _without(self, failed: Failure, voice: Voice) -> Reply[Value]:
        problem = self._ledger.pseudonyms.restored(failed.problem)
        return Reply(
            value=None,
            usage=self.usage,
            trouble=failed.trouble,
            problem=f"{voice.name}: {problem}",
            model=voice.name,
        )


def _said(error: ValidationError) -> str:
    """A validation error in a line that a model can act upon."""
    parts = [
        f"{'.'.join(map(str, each['loc'])) or 'the whole'}: {each['msg']}"
        for each in error.errors(include_url=False, include_input=False, include_context=False)
    ]
    return "; ".join(parts)[:SHOWN_PROBLEM]
