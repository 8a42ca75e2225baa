/** What workflows read of bytes that are none of theirs: an input that every message refuses, never a failed workflow task. */
import { describe, expect, it } from 'vitest';
import type { Payload } from '@temporalio/common';
import { inputProblems } from '../../src/domain/messages.ts';
import { payloadConverter } from '../../src/workflows/payload-converter.ts';

function payload(encoding: string, text: string): Payload {
  return { metadata: { encoding: Buffer.from(encoding) }, data: Buffer.from(text) };
}

describe('the payload converter', () => {
  it('reads and writes JSON as the standard one does', () => {
    const value = { reason: 'look', nested: [1, null, 'x'] };
    expect(payloadConverter.fromPayload(payloadConverter.toPayload(value))).toEqual(value);
    expect(payloadConverter.fromPayload(payloadConverter.toPayload(undefined))).toBeUndefined();
  });

  it.each([
    ['cut off', payload('json/plain', '{"reason":')],
    ['of an encoding that nobody knows', payload('binary/unheard-of', 'x')],
    ['without any encoding', { data: Buffer.from('{}') }],
  ])('turns bytes %s into an input that is refused', (_, bytes) => {
    const input: unknown = payloadConverter.fromPayload(bytes);
    expect(inputProblems('reprotect', input)).toEqual([
      expect.stringContaining('unreadablePayload: unknown field'),
    ]);
  });

  it('fails the task for what is encrypted with a key that the worker lacks, by its name: a later worker reads it', () => {
    const { metadata } = payload('binary/encrypted', '');
    const locked = {
      metadata: { ...metadata, 'encryption-key-id': Buffer.from('2026-07') },
      data: Buffer.from('x'),
    };
    expect(() => payloadConverter.fromPayload(locked)).toThrow(
      'encrypted with the payload key "2026-07", which does not open it in this worker',
    );
  });
});
