// Names of C++ functions hold their template arguments, which nobody can read in a narrow frame.

/** The name with `<…>` for what stands between its outermost angle brackets; as it is where they do not match. */
export function shortName(name: string): string {
  let short = '';
  let depth = 0;
  const letters = [...name];
  for (const [index, letter] of letters.entries()) {
    const isOperator = depth === 0 && (letter === '<' || letter === '>') && /operator[<>=-]*$/.test(short);
    if (letter === '<' && !isOperator) {
      if (depth === 0) short += '<\u2026>';
      depth += 1;
    } else if (letter === '>' && !isOperator && letters[index - 1] !== '-') {
      depth -= 1;
      if (depth < 0) return name;
    } else if (depth === 0) {
      short += letter;
    }
  }
  return depth === 0 ? short : name;
}
