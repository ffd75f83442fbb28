"""The command line: read the request, call one verb of `workspace`, write the answer.

commands  the verbs and their options
storing   `sanhua store …`
show      answers as text and as JSON, diagnostics, exit codes, progress

Nothing heavy is imported until a verb needs it.
"""

from __future__ import annotations


def main() -> None:
    """The `sanhua` console script."""
    from sanhua.cli.commands import cli

    cli(prog_name="sanhua", windows_expand_args=False)
