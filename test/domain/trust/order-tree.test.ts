import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { covers, orderTree, rootOf } from '../../../domain/trust/order-tree.ts';
import { nodeCrypto, sha256Hex } from '../../../policies/signatures.ts';

const order = (name: string): string => sha256Hex(`order ${name}`);
const digest = (name: string): string => sha256Hex(`robot ${name}`);
const treeOf = (own: Readonly<Record<string, string>> | ReadonlyMap<string, string>, fallback: string) =>
  orderTree(
    new Map((own instanceof Map ? [...own] : Object.entries(own)).map(([name, of]) => [digest(name), order(of)])),
    order(fallback),
    nodeCrypto,
  );

describe('the tree of orders', () => {
  const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 12 }), { maxLength: 40 });

  it('proves to every robot its own order, and to all others the default', () => {
    fc.assert(
      fc.property(names, fc.string(), (robots, stranger) => {
        const own = new Map(robots.map((name, index) => [name, `o${index % 3}`]));
        const tree = treeOf(own, 'default');
        for (const name of [...robots, stranger]) {
          const { place, orderDigest, path } = tree.of(digest(name));
          assert.equal(orderDigest, order(own.get(name) ?? 'default'));
          assert.ok(covers(place, digest(name)));
          assert.equal(rootOf(place, orderDigest, path, nodeCrypto), tree.root);
        }
      }),
    );
  });

  it('proves no other order to anybody: each robot is covered by one leaf', () => {
    fc.assert(
      fc.property(names, (robots) => {
        const tree = treeOf(new Map(robots.map((name) => [name, name])), 'default');
        const leaves = [...robots.map((name) => tree.of(digest(name))), tree.of(digest('somebody else'))];
        for (const name of robots) assert.equal(leaves.filter(({ place }) => covers(place, digest(name))).length, 1);
      }),
    );
  });

  it('takes no node for a leaf, no changed order and no changed place', () => {
    const tree = treeOf({ a: 'x', b: 'y', c: 'z' }, 'default');
    const { place, orderDigest, path } = tree.of(digest('b'));
    assert.notEqual(rootOf(place, order('x'), path, nodeCrypto), tree.root);
    assert.notEqual(rootOf({ robot: digest('a') }, orderDigest, path, nodeCrypto), tree.root);
    assert.notEqual(rootOf(place, orderDigest, path.slice(1), nodeCrypto), tree.root);
    assert.notEqual(rootOf(place, orderDigest, path.toReversed(), nodeCrypto), tree.root);
  });

  it('is the same whatever order robots come in', () => {
    assert.equal(treeOf({ a: 'x', b: 'y' }, 'd').root, treeOf({ b: 'y', a: 'x' }, 'd').root);
    assert.notEqual(treeOf({ a: 'x', b: 'y' }, 'd').root, treeOf({ a: 'y', b: 'x' }, 'd').root);
  });
});
