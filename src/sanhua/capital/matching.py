"""Match 勾对: which amounts add up to another exactly, role by role."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

PARTS_FEW = 12  # so many make no more than 4096 sums
SUMS_MAX = 4096  # of more parts, so many sums at most
CHANCE = 100  # and no more than one in so many fen: or one comes out even by chance
STEPS_MAX = 20_000  # of weighing choices against each other
WHOLES_MAX = 100  # among so many, one choice is weighed against another

Amounts = Mapping[str, int]
Places = tuple[int, ...]


def adding_up(whole: Amounts, parts: Sequence[Amounts]) -> Places | None:
    """The places of the parts that add up to `whole` on every role, each part on the same sides;
    None when none do. The earlier parts are taken where that comes out even; else every choice is
    tried, of few parts or while their sums are too few to come out even by chance.
    """
    roles = tuple(sorted(role for role, fen in whole.items() if fen))
    target = tuple(whole[role] for role in roles)
    fit: list[tuple[int, tuple[int, ...]]] = []
    for place, part in enumerate(parts):
        adds = tuple(part.get(role, 0) for role in roles)
        if any(adds) and not any(fen for role, fen in part.items() if role not in roles):
            fit.append((place, adds))
    start = (0,) * len(roles)
    state, taken = start, list[int]()
    for place, adds in fit:
        if (found := _plus(state, adds, target)) is not None:
            state = found
            taken.append(place)
            if state == target:
                return tuple(taken)
    most = [sum(adds[n] for _, adds in fit if adds[n] * target[n] > 0) for n in range(len(roles))]
    if not fit or any(abs(fen) < abs(wanted) for fen, wanted in zip(most, target, strict=True)):
        return None
    return _searched(fit, start, target)


def _searched(
    fit: Sequence[tuple[int, tuple[int, ...]]], start: tuple[int, ...], target: tuple[int, ...]
) -> Places | None:
    """By every sum that can be reached, from the part that reached it first."""
    came: dict[tuple[int, ...], tuple[tuple[int, ...], int]] = {}
    reached, most = [start], min(SUMS_MAX, *(abs(fen) // CHANCE for fen in target))
    for place, adds in fit:
        for state in list(reached):
            found = _plus(state, adds, target)
            if found is None or found in came:
                continue
            came[found] = (state, place)
            reached.append(found)
            if found == target:
                places: list[int] = []
                while found != start:
                    found, place = came[found]
                    places.append(place)
                return tuple(reversed(places))
        if len(fit) > PARTS_FEW and len(reached) > most:
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

    def first(n: int, free: frozenset[int]) -> Places | None:
        places = [place for place in range(len(parts)) if place in free and may(n, place)]
        taken = adding_up(wholes[n], [parts[place] for place in places])
        return tuple(places[at] for at in taken) if taken is not None else None

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
