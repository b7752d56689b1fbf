/** Lays out rows in columns; the last column is not padded. Without rows the text is `none`. */
export function table(header: readonly string[], rows: readonly (readonly (string | number | null)[])[]): string {
  if (rows.length === 0) return 'none\n'
  const texts = [header, ...rows.map((row) => row.map((cell) => oneLine(cell)))]
  const widths = header.map((_, column) => Math.max(...texts.map((row) => row[column]?.length ?? 0)))
  const lines = texts.map((row) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
  return `${lines.join('\n')}\n`
}

/** Replaces control characters: texts of devices must not control the terminal. */
function oneLine(cell: string | number | null): string {
  // oxlint-disable-next-line no-control-regex
  return cell === null ? '-' : String(cell).replaceAll(/[\u0000-\u001F\u007F-\u009F]/g, '\uFFFD')
}
