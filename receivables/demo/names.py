"""Invented customers of the demonstration: names and documents with right check digits, always the same ones."""

from random import Random

from stdnum.br import cnpj

_FIRST = (
    "Ana Paula", "João", "Maria Aparecida", "Luiz Carlos", "Fernanda", "Ricardo", "Patrícia", "Anderson", "Juliana",
    "Marcos Vinícius", "Simone", "Éverton", "Cláudia", "Thiago", "Rosângela", "Vanderlei", "Letícia", "Gilberto",
)  # fmt: skip
_LAST = (
    "da Silva", "Oliveira", "Santos", "Pereira", "Kovalski", "Schmidt", "Nogueira", "Bittencourt", "Ferreira",
    "Yamamoto", "Gonçalves", "Zanella", "Teixeira", "Wosniak", "Moraes", "Baumgartner", "Cordeiro", "Rebouças",
)  # fmt: skip
_TRADE = (
    "Móveis", "Confecções", "Metalúrgica", "Autopeças", "Cerealista", "Plásticos", "Papelaria", "Laticínios",
    "Ferragens", "Distribuidora", "Madeireira", "Têxtil", "Embalagens", "Vinhos", "Cerâmica", "Farmacêutica",
)  # fmt: skip
_PLACE = (
    "Iguaçu", "Três Pinheiros", "Paranapanema", "Serra do Mar", "Campos Gerais", "Tibagi", "São Miguel", "Ivaí",
    "Boa Vista", "Itajaí", "Alvorada", "Capivari", "Rio Negro", "Morretes", "Santa Felicidade", "Guaratuba",
)  # fmt: skip
_FORM = ("Ltda.", "S.A.", "ME", "EIRELI", "& Cia. Ltda.")

ALPHANUMERIC = ("12ABC34501DE35", "ABC Logística Integrada Ltda.")
"""The official example of an alphanumeric CNPJ (E.5)."""


def customer(number: int) -> tuple[str, str]:
    """Give document and name of an invented customer; two in five are people."""
    random = Random(f"customer {number}")
    if number % 5 < 2:
        base = f"{(number * 7_919 + 104_729_001) % 10**9:09d}"
        return base + _cpf_check_digits(base), f"{random.choice(_FIRST)} {random.choice(_LAST)}"
    base = f"{(number * 6_007 + 30_127_411) % 10**8:08d}0001"
    name = f"{random.choice(_TRADE)} {random.choice(_PLACE)} {random.choice(_FORM)}"
    return base + cnpj.calc_check_digits(base), name


def _cpf_check_digits(base: str) -> str:
    digits = [int(digit) for digit in base]
    for _ in range(2):
        weighted = sum(weight * digit for weight, digit in zip(range(len(digits) + 1, 1, -1), digits, strict=True))
        digits.append(weighted * 10 % 11 % 10)
    return f"{digits[-2]}{digits[-1]}"
