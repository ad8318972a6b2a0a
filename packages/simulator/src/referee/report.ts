// What the referee found, as plain JSON, and as text for whoever reads it at three in the morning: the verdict first,
// then what was broken, then what was kept.
import type { Example } from './docket.ts';
import type { Timeline } from '../timeline/timeline.ts';
import type { RuleId } from './rules.ts';

export interface RefereeReport {
  readonly verdict: 'clean' | 'convicted';
  /** ISO times of the gateway's clock. */
  readonly startedAt: string;
  readonly reportedAt: string;
  /** Over all rules. */
  readonly violations: number;
  readonly observed: {
    readonly sources: number;
    readonly connections: number;
    readonly requests: number;
    readonly replies: number;
    readonly goAways: number;
    /** PINGs of the referee's own: without answers to them it can prove little. */
    readonly marksSent: number;
    readonly marksAnswered: number;
    /** Their connection ended first. */
    readonly marksLost: number;
  };
  /** What memory had no room for: violations concerning it were not seen. */
  readonly forgotten: { readonly tokens: number; readonly pushes: number };
  readonly rules: readonly RuleReport[];
  readonly timeline: Timeline;
}

export interface RuleReport {
  readonly id: RuleId;
  readonly measures: string;
  readonly source: string;
  readonly limits: readonly { readonly name: string; readonly value: number; readonly unit: string }[];
  readonly violations: number;
  /** Worth a look, no violation. */
  readonly notices: number;
  readonly firstAt: string | null;
  readonly lastAt: string | null;
  /** The first few. Device tokens are cut short. */
  readonly examples: readonly Example[];
  readonly noticed: readonly Example[];
}

export function formatRefereeReport(report: RefereeReport): string {
  const broken = report.rules.filter(({ violations }) => violations > 0);
  const lines = [headline(report), observedLine(report)];
  for (const rule of broken) lines.push('', ...brokenLines(rule));
  const noticed = report.rules.filter(({ notices, violations }) => notices > 0 && violations === 0);
  for (const rule of noticed) lines.push('', ...noticeLines(rule));
  const kept = report.rules.filter(({ violations }) => violations === 0).map(({ id }) => id);
  if (kept.length > 0) lines.push('', ...wrapped(`Kept: ${kept.join(', ')}.`));
  if (report.observed.marksAnswered === 0 && report.observed.marksSent > 0) {
    lines.push('', "Little can be proven: the clients answered none of the referee's PINGs.");
  }
  const { tokens, pushes } = report.forgotten;
  if (tokens > 0) lines.push('', `${grouped(tokens)} device tokens with a history were forgotten for want of room.`);
  if (pushes > 0 && broken.length > 0) lines.push('', `Repeats were looked for among the latest pushes only.`);
  return `${lines.join('\n')}\n`;
}

/** The verdict in a sentence. */
export function headline({ verdict, violations, rules }: RefereeReport): string {
  if (verdict === 'clean') return `Referee: CLEAN. All ${rules.length} rules of conduct were kept.`;
  const broken = rules.filter((rule) => rule.violations > 0).length;
  const times = violations === 1 ? 'once' : `${grouped(violations)} times in all`;
  return `Referee: CONVICTED. ${broken} of ${rules.length} rules of conduct were broken, ${times}.`;
}

/** How much was seen, in a sentence. */
export function observedLine({ observed, startedAt, reportedAt }: RefereeReport): string {
  const seconds = Math.round((Date.parse(reportedAt) - Date.parse(startedAt)) / 1_000);
  const { connections, sources, requests } = observed;
  const from = `from ${counted(sources, 'address', 'addresses')}`;
  return `${counted(requests, 'push', 'pushes')} on ${counted(connections, 'connection', 'connections')} ${from}, in ${grouped(seconds)} s until ${reportedAt}.`;
}

function brokenLines(rule: RuleReport): string[] {
  const when = rule.violations === 1 ? `at ${rule.firstAt}` : `from ${rule.firstAt} to ${rule.lastAt}`;
  return [
    `✗ ${rule.id}: ${counted(rule.violations, 'violation', 'violations')}, ${when}`,
    ...wrapped(`Counted: ${rule.measures}.`, '    '),
    ...wrapped(
      `Limits: ${rule.limits.map(({ name, value, unit }) => `${name} ${grouped(value)} ${unit}`).join(', ')}.`,
      '    ',
    ),
    ...wrapped(`Source: ${rule.source}.`, '    '),
    ...rule.examples.map(exampleLine),
    ...(rule.violations > rule.examples.length
      ? [`    … and ${grouped(rule.violations - rule.examples.length)} more`]
      : []),
  ];
}

function noticeLines(rule: RuleReport): string[] {
  return [
    `! ${rule.id}: ${counted(rule.notices, 'notice', 'notices')}, no violation`,
    ...rule.noticed.map(exampleLine),
  ];
}

function exampleLine({ at, connection, stream, text }: Example): string {
  const where = connection === null ? '' : `connection ${connection}${stream === null ? '' : ` stream ${stream}`}: `;
  return `    ${at}  ${where}${text}`;
}

function counted(count: number, one: string, many: string): string {
  return `${grouped(count)} ${count === 1 ? one : many}`;
}

function grouped(count: number): string {
  return count.toLocaleString('en-US');
}

/** Lines of at most 100 characters. */
function wrapped(text: string, indent = ''): string[] {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(' ')) {
    if (line.length > indent.length && line.length + 1 + word.length > 100) {
      lines.push(line);
      line = indent;
    }
    line += line.length > indent.length ? ` ${word}` : word;
  }
  lines.push(line);
  return lines;
}
