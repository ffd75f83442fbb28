"""Products 数据产品: derivative, tool, service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from sanhua.asset.price import Plan, Share, Tax
from sanhua.kernel.origin import Origin
from sanhua.kernel.text import Text


class Form(StrEnum):
    """衍生品, 工具, 服务."""

    DERIVATIVE = "derivative"
    TOOL = "tool"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Product:
    """A product as declared. `listings` maps an exchange to what it asks (`class` is the highest grade shown)."""

    id: str
    title: Text
    form: Form
    policy: str
    origin: Origin
    table: str = ""
    package: str = ""
    sql: str = ""
    query: str = ""  # the text of the service's SELECT
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])
    answer: str = ""
    offer: tuple[str, ...] = ()  # empty: all fields
    delivery: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    plans: tuple[Plan, ...] = ()
    tax: Tax = Tax()
    shares: tuple[Share, ...] = ()
    listings: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    retired: date | None = None
