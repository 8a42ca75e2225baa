/** The published JSON Schema is the one that the product reads the file with; `vitest -u` on this test rewrites it. */
import { format } from 'prettier';
import { expect, test } from 'vitest';
import { DEFAULT_POLICY } from '../../src/domain/policy.ts';
import { policyFileSchema, policyJsonSchema } from '../../src/policy-schema.ts';

test('stopkeeper.schema.json is up to date', async () => {
  const text = await format(JSON.stringify(policyJsonSchema()), { parser: 'json', printWidth: 110 });
  await expect(text).toMatchFileSnapshot('../../stopkeeper.schema.json');
});

test('the default policy is a valid file of its own', () => {
  expect(policyFileSchema.safeParse({ defaults: DEFAULT_POLICY }).error?.issues ?? []).toEqual([]);
});

test('every key of the policy can be set in the file', () => {
  const settable = policyFileSchema.shape.defaults.unwrap().shape;
  expect(Object.keys(settable).toSorted()).toEqual(Object.keys(DEFAULT_POLICY).toSorted());
});
