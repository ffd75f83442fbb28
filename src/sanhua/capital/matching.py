"""Match 勾对: which amounts add up to another exactly, role by role."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

PARTS_FEW = 12  # so many make no more than 4096 sums
SUMS_MAX = 4096  # of more parts, so many sums at most
CHANCE = 100  # and no more than one in so many fen: or one comes out even by chance
SEARCH_MAX = 40_000  # steps to one sum
WORK_MAX = 400_000  # steps to all of them: of very many, the first are looked at
STEPS_MAX = 20_000  # of weighing choices against each other
WHOLES_MAX = 100  # among so many, one choice is weighed against another

Amounts = Mapping[str, int]
Places = tuple[int, ...]


Fit = Sequence[tuple[int, tuple[int, ...]]]  # a part's place, and what it adds role by role


@dataclass(slots=True)
class _Work:
    left: int = WORK_MAX


def adding_up(whole: Amounts, parts: Sequence[Amounts]) -> Places | None:
    """The places of the parts that add up to `whole` on every role, each part on the same sides;
    None when none do. The earlier parts are taken where that comes out even; else every choice is
    tried, of few parts or while their sums are too few to come out even by chance.
    """
    roles = _roles(whole)
    return _found(tuple(whole[role] for role in roles), _fit(roles, parts), _Work())


def _roles(whole: Amounts) -> tuple[str, ...]:
    return tuple(sorted(role for role, fen in whole.items() if fen))


def _fit(roles: tuple[str, ...], parts: Sequence[Amounts]) -> Fit:
    """The parts that move nothing else than the roles."""
    fit: list[tuple[int, tuple[int, ...]]] = []
    for place, part in enumerate(parts):
        adds = tuple(part.get(role, 0) for role in roles)
        if any(adds) and not any(fen for role, fen in part.items() if role not in roles):
            fit.append((place, adds))
    return fit


def _found(target: tuple[int, ...], fit: Fit, work: _Work) -> Places | None:
    work.left -= len(fit)
    state = start = (0,) * len(target)
    taken: list[int] = []
    for place, adds in fit:
        if abs(adds[0]) > abs(target[0] - state[0]):
            continue
        if (found := _plus(state, adds, target)) is not None:
            state = found
            taken.append(place)
            if state == target:
                return tuple(taken)
    most = [sum(adds[n] for _, adds in fit if adds[n] * target[n] > 0) for n in range(len(target))]
    if not fit or any(abs(fen) < abs(wanted) for fen, wanted in zip(most, target, strict=True)):
        return None
    return _searched(fit, start, target, work)


def _searched(
    fit: Fit, start: tuple[int, ...], target: tuple[int, ...], work: _Work
) -> Places | None:
    """By every sum that can be reached, from the part that reached it first."""
    least = [
        min(abs(add[n]) for _, add in fit if add[n] * target[n] > 0) for n in range(len(start))
    ]
    came: dict[tuple[int, ...], tuple[tuple[int, ...], int]] = {}
    reached, most = [start], min(SUMS_MAX, *(abs(fen) // CHANCE for fen in target))
    steps = 0
    for place, adds in fit:
        for state in list(reached):
            found = _plus(state, adds, target)
            if found is None or found in came:
                continue
            came[found] = (state, place)
            gaps = [abs(wanted - fen) for wanted, fen in zip(target, found, strict=True)]
            if not any(0 < gap < small for gap, small in zip(gaps, least, strict=True)):
                reached.append(found)  # else nothing is small enough to go on with
            if found == target:
                places: list[int] = []
                while found != start:
                    found, place = came[found]
                    places.append(place)
                return tuple(reversed(places))
        steps += len(reached)
        work.left -= len(reached)
        if len(fit) > PARTS_FEW and (len(reached) > most or steps > SEARCH_MAX):
            return None
    return None


def _plus(
    state: tuple[int, ...], adds: tuple[int, ...], target: tuple[int, ...]
) -> tuple[int, ...] | None:
    """The sum while it is part of the target on the same side."""
    found = tuple(a + b for a, b in zip(state, adds, strict=True))
    for add, fen, most in zip(adds, found, target, strict=True):
        if add and not (0 < add and fen <= most if most > 0 else add < 0 and most <= fen):
            return None
    return found


def sharing_out(
    wholes: Sequence[Amounts], parts: Sequence[Amounts], may: Callable[[int, int], bool]
) -> dict[int, Places]:
    """Place of a whole → the parts that add up to it, no part twice: as many wholes as can be.

    `may` says whether a part may be of a whole. The first choice of each whole is kept where all
    come out; else others are tried, within `STEPS_MAX`.
    """

    work = _Work()
    fits: dict[tuple[str, ...], Fit] = {}

    def first(n: int, free: frozenset[int]) -> Places | None:
        roles = _roles(wholes[n])
        if roles not in fits:
            fits[roles] = _fit(roles, parts)
        if work.left < 0:
            return None
        fit = [one for one in fits[roles] if one[0] in free and may(n, one[0])]
        return _found(tuple(wholes[n][role] for role in roles), fit, work)

    every = frozenset(range(len(parts)))
    able = [n for n in range(len(wholes)) if first(n, every) is not None]
    best: dict[int, Places] = {}
    free = every
    for n in able:
        if (taken := first(n, free)) is not None:
            best[n] = taken
            free -= set(taken)
    if len(best) == len(able) or len(able) > WHOLES_MAX:
        return best
    left = STEPS_MAX

    def choices(n: int, free: frozenset[int]) -> Iterator[Places]:
        """Every choice of parts, earlier ones first."""
        whole = wholes[n]
        roles = tuple(sorted(role for role, fen in whole.items() if fen))
        target = tuple(whole[role] for role in roles)
        places = [
            place
            for place in sorted(free)
            if may(n, place) and all(role in roles for role, fen in parts[place].items() if fen)
        ]

        def follow(at: int, state: tuple[int, ...], taken: Places) -> Iterator[Places]:
            nonlocal left
            for next_at in range(at, len(places)):
                left -= 1
                if left < 0:
                    return
                part = parts[places[next_at]]
                found = _plus(state, tuple(part.get(role, 0) for role in roles), target)
                if found == target:
                    yield (*taken, places[next_at])
                elif found is not None:
                    yield from follow(next_at + 1, found, (*taken, places[next_at]))

        yield from follow(0, (0,) * len(roles), ())

    def go(at: int, free: frozenset[int], made: dict[int, Places]) -> None:
        nonlocal best
        if len(made) > len(best):
            best = made
        if left < 0 or at == len(able) or len(made) + len(able) - at <= len(best):
            return
        for taken in choices(able[at], free):
            go(at + 1, free - set(taken), {**made, able[at]: taken})
            if len(best) == len(able) or left < 0:
                return
        go(at + 1, free, made)

    go(0, every, {})
    return best


def total(amounts: Sequence[Amounts]) -> Counter[str]:
    """What the amounts come to, role by role; a role that comes to nothing is left out."""
    found = Counter[str]()
    for amount in amounts:
        for role, fen in amount.items():
            found[role] += fen
    return Counter({role: fen for role, fen in found.items() if fen})
