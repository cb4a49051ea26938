"""Tables as files: CSV for French spreadsheets (UTF-8 with its mark, semicolons, decimal commas) and XLSX. A cell never becomes a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

Cell = str | int | float | None
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its name, its title, its columns, its rows, the sentence that says how to read it, and what was left out."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    left_out: str = ""


def guarded(text: str) -> str:
    """The text of a cell, led by an apostrophe where a spreadsheet would compute it (OWASP, CSV injection)."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _written(cell: Cell) -> str:
    if isinstance(cell, float):
        return f"{cell:.4f}".rstrip("0").rstrip(".").replace(".", ",")
    return "" if cell is None else guarded(cell) if isinstance(cell, str) else str(cell)


def csv_file(table: Table) -> Response:
    """The table, then its sentence."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow([_written(cell) for cell in table.columns])
    writer.writerows([_written(cell) for cell in row] for row in table.rows)
    writer.writerow([])
    writer.writerows([_written(line)] for line in (table.left_out, table.note) if line)
    return _download(("\ufeff" + out.getvalue()).encode(), "text/csv; charset=utf-8", f"{table.name}.csv")


def xlsx_file(name: str, tables: Sequence[Table]) -> Response:
    """One sheet for each table: a heading that stays, columns that fit, no cell that computes or leads elsewhere."""
    from xlsxwriter import Workbook  # noqa: PLC0415  # thirty milliseconds that only an export pays

    out = io.BytesIO()
    book = Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False})
    head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
    for table in tables:
        sheet = book.add_worksheet(table.title[:31])
        for at, column in enumerate(table.columns):
            sheet.write_string(0, at, column, head)
            sheet.set_column(at, at, 34 if at == 0 else 15)
        for number, row in enumerate(table.rows, 1):
            for at, cell in enumerate(row):
                if isinstance(cell, str):
                    sheet.write_string(number, at, cell)
                elif cell is not None:
                    sheet.write_number(number, at, cell)
        for number, line in enumerate((table.left_out, table.note), len(table.rows) + 2):
            sheet.write_string(number, 0, line)
        sheet.freeze_panes(1, 1)
    book.close()
    return _download(out.getvalue(), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", f"{name}.xlsx")


def _download(content: bytes, kind: str, name: str) -> Response:
    return Response(content, headers={"Content-Disposition": f'attachment; filename="{name}"'}, media_type=kind)
