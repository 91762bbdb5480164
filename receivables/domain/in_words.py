"""Amounts in Portuguese words, as a receipt says them beside the figures; figures are written by `money`."""

from decimal import Decimal

from .money import to_cents

_UNITS = ("", "um", "dois", "três", "quatro", "cinco", "seis", "sete", "oito", "nove", "dez", "onze", "doze", "treze",
          "quatorze", "quinze", "dezesseis", "dezessete", "dezoito", "dezenove")  # fmt: skip
_TENS = ("", "", "vinte", "trinta", "quarenta", "cinquenta", "sessenta", "setenta", "oitenta", "noventa")
_HUNDREDS = ("", "cento", "duzentos", "trezentos", "quatrocentos", "quinhentos", "seiscentos", "setecentos",
             "oitocentos", "novecentos")  # fmt: skip
_SCALES = (("", ""), ("mil", "mil"), ("milhão", "milhões"), ("bilhão", "bilhões"), ("trilhão", "trilhões"))


def reais_in_words(amount: Decimal) -> str:
    """Say an amount in reais: `mil e trinta reais e cinquenta centavos`.

    Raises InexactAmount for fractions of a cent, ValueError for a negative amount or 10^15 and more.
    """
    reais, cents = divmod(to_cents(amount), 100)
    if not 0 <= reais < 1000 ** len(_SCALES):
        raise ValueError(f"no words for {amount}")
    said = []
    if reais or not cents:
        said.append(
            f"{_whole(reais)} {'de ' if reais and not reais % 10**6 else ''}{'real' if reais == 1 else 'reais'}"
        )
    if cents:
        said.append(f"{_below_1000(cents)} {'centavo' if cents == 1 else 'centavos'}")
    return " e ".join(said)


def _whole(number: int) -> str:
    """Say a whole number; the last group is joined by `e` when it is below a hundred or a full one."""
    groups = [number // 1000**place % 1000 for place in range(len(_SCALES))]
    parts = [_group(value, place) for place, value in enumerate(groups) if value][::-1]
    if not parts:
        return "zero"
    last = next(value for value in groups if value)
    joint = " e " if last < 100 or not last % 100 else ", "
    return joint.join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else parts[0]


def _group(value: int, place: int) -> str:
    one, many = _SCALES[place]
    if place == 1 and value == 1:
        return one
    return f"{_below_1000(value)} {one if value == 1 else many}".rstrip()


def _below_1000(number: int) -> str:
    if number == 100:
        return "cem"
    hundreds, rest = divmod(number, 100)
    below = _UNITS[rest] if rest < 20 else " e ".join(filter(None, (_TENS[rest // 10], _UNITS[rest % 10])))
    return " e ".join(filter(None, (_HUNDREDS[hundreds], below)))
