// "Did you mean": the known name that a mistyped one most likely stands for.

/** The nearest of `known`, or null when none is near enough to be worth a guess. */
export function nearest(given: string, known: Iterable<string>): string | null {
  const wanted = given.toLowerCase().replaceAll('_', '-').slice(0, 40);
  let best: string | null = null;
  let bestCost = Infinity;
  for (const name of known) {
    const cost = costOf(wanted, name);
    if (cost < bestCost) {
      best = name;
      bestCost = cost;
    }
  }
  return bestCost <= 1 + Math.floor(wanted.length / 3) ? best : null;
}

/** Letters to add, drop or change; the beginning or end of a longer name costs one: `passphrase` means `passphrase-file`. */
function costOf(given: string, name: string): number {
  if (given.length >= 3 && (name.startsWith(given) || name.endsWith(given))) return 1;
  // keyId and keyid mean key-id.
  if (given.replaceAll('-', '') === name.replaceAll('-', '')) return 0;
  return editDistance(given, name);
}

/** Levenshtein, one row at a time. */
function editDistance(a: string, b: string): number {
  const row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    let diagonal = row[0];
    row[0] = i;
    for (let j = 1; j <= b.length; j++) {
      const substitution = diagonal + (a[i - 1] === b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = Math.min(substitution, diagonal + 1, row[j - 1] + 1);
    }
  }
  return row[b.length];
}
