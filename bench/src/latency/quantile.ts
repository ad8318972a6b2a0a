/** The smallest value that at least the share `q` of `values` does not exceed; NaN of none. Sorts `values`. */
export function quantile(values: number[], q: number): number {
  if (values.length === 0) return NaN;
  values.sort((a, b) => a - b);
  return values[Math.max(0, Math.ceil(values.length * q) - 1)];
}
