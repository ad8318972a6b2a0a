// What --help prints.
import type { CommandName } from './parse-command-line.ts';
import { channelsOptions, sendOptions, simulateOptions } from './option-table.ts';
import type { OptionTable } from './option-table.ts';

const overview = `carillon sends push notifications through the Apple Push Notification service (APNs).

  carillon send [FILE…|-]      jobs in (NDJSON, one a line), receipts out
  carillon send --notification FILE --recipients FILE
                               one notification to many: a campaign
  carillon channels …          broadcast channels: create, read, list, delete
  carillon simulate            an APNs simulator on this machine, to try things on
  carillon help COMMAND        all about one command
  carillon --version

To begin without an Apple account:

  carillon simulate --port 8443 --write-credentials ./simulator &
  carillon send jobs.ndjson --endpoint https://127.0.0.1:8443 --ca simulator/ca.pem \\
    --key simulator/key.p8 --key-id KEY1234567 --team-id TEAM123456 --topic com.example.app
`;

const aboutSend = `carillon send [FILE…|-] [options]

Reads jobs, one JSON object a line, from the files or from stdin (-; also when no file is named and stdin is not a
terminal), sends them, and writes one receipt a job. Memory does not grow with the input.

  {"token":"c9d4…","payload":{"aps":{"alert":"Hi"}}}

Or a campaign: one notification, checked once, to every one of the recipients.

  carillon send --notification hello.json --recipients list.ndjson

  hello.json   {"payload":{"aps":{"alert":"Hello {{name}}"}}}
  list.ndjson  {"token":"c9d4…","id":"ann","variables":{"name":"Ann"}}

The notification has the fields of a job but those that say to whom; {{name}} in a string is the recipient's variable. A
line of the recipients may also be a device token alone. docs/CAMPAIGNS.md has the rest.

Options:
`;

const afterSend = `
A configuration file is JSON (YAML is not read yet): {"endpoint":"https://…","key":"AuthKey.p8","key-id":"…"}. Paths in
it are relative to the file. Secrets are read from files only, never from arguments.

Each payload is checked first. What Apple's pages exclude is refused; what is doubtful is sent, with warnings in its
receipt. A job with "truncate": true that is too large has the text of its alert shortened, between two characters.

Without --receipts the summary is all there is. --resume reads the receipts file first and skips each line that has a
receipt there, whatever became of it: a job that was abandoned is settled, too. Name the inputs as in the first run; the
line numbers must still be those of the same jobs. What earlier receipts say counts for the exit code.

Ctrl-C (or SIGTERM) reads no more and finishes what was read; a second one gives that up too. Receipts are complete in
both cases.

Exit codes:
  0    every job was accepted by APNs
  1    some were not, or a file could not be read or written
  2    bad usage or configuration; nothing was sent
  3    nothing was accepted: the gateway could not be reached, or it refused the credential
  130  interrupted; what had been read was finished or given up, and has its receipt
`;

const aboutChannels = `carillon channels create --storage-policy none|most-recent [options]
carillon channels read CHANNEL… [options]
carillon channels list [options]
carillon channels delete CHANNEL… [options]

Manages the broadcast channels of an app at Apple’s gateway for that, which has a host and port of its own. What comes
of it is on stdout: create and list print ids, one a line; read adds storage policy and push type; delete says what it
found. A job with "channel" instead of "token" is sent to a channel by carillon send. delete asks nothing, and cannot
be undone.

Options:
`;

const afterChannels = `
A configuration file is the same as for carillon send; what only sending needs is ignored. One with an "endpoint" for
pushes needs a "channels-endpoint" beside it.

create is never repeated when its answer is lost, for that could make a second channel: it fails, and list shows what is
there. All others are tried up to three times.

Exit codes:
  0    done; a channel to be deleted that was not there counts as deleted
  1    Apple refused it, or the answer was lost
  2    bad usage or configuration; nothing was sent
  3    nothing was done: the gateway could not be reached, or it refused the credential
  130  interrupted; the message says whether it may be done all the same
`;

const aboutSimulate = `carillon simulate [options]

Plays Apple's side on 127.0.0.1 until Ctrl-C, then prints its report. It is a simulator: nothing reaches a device.

Options:
`;

export function helpText(command: CommandName | null): string {
  switch (command) {
    case null:
      return overview;
    case 'send':
      return aboutSend + optionLines(sendOptions) + afterSend;
    case 'channels':
      return aboutChannels + optionLines(channelsOptions) + afterChannels;
    case 'simulate':
      return aboutSimulate + optionLines(simulateOptions);
  }
}

function optionLines(table: OptionTable<string>): string {
  return Object.entries(table)
    .map(([name, { value, says }]) => `  ${`--${name}${value === null ? '' : ` ${value}`}`.padEnd(30)} ${says}\n`)
    .join('');
}
