/** What a start is doing, on standard error: a spinner on a terminal, plain lines elsewhere. */
import ora from 'ora';
import type { Terminal } from './terminal.ts';

export interface Step {
  done(text: string): void;
  failed(): void;
}

export interface Progress {
  step(text: string): Step;
  note(text: string): void;
}

export function progressOn(stream: NodeJS.WriteStream, terminal: Terminal): Progress {
  const note = (text: string): void => void stream.write(`${text}\n`);
  if (!stream.isTTY || !terminal.paint.isColorSupported) {
    return {
      note,
      step: (text) => {
        note(`${text} ...`);
        return { done: note, failed: () => note(`${text}: failed`) };
      },
    };
  }
  return {
    note,
    step: (text) => {
      // Without discardStdin ora would put the terminal into raw mode and answer Ctrl-C itself.
      const spinner = ora({ text, stream, discardStdin: false }).start();
      return { done: (result) => void spinner.succeed(result), failed: () => void spinner.fail(text) };
    },
  };
}
