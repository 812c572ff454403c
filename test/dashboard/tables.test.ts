import assert from 'node:assert/strict';

import type { VNode } from 'preact';
import { renderToString } from 'preact-render-to-string';

import { table } from '../../dashboard/states.ts';
import { hostile } from './page-world.ts';

describe('a table of the console', () => {
  const columns = [
    { head: 'Robot', cell: ({ id }: { id: string }) => id },
    { head: 'Episodes', isNumber: true, cell: () => '3' },
    { head: hostile, cell: () => 'x' },
  ];
  const text = renderToString(table('Robots', columns, [{ id: 'r1' }, { id: 'r2' }], ({ id }) => id) as VNode);

  it('names the column in each cell that a narrow screen shows alone, but in the first, which is the row’s name', () => {
    assert.equal(text.match(/data-head="Episodes"/g)?.length, 2);
    assert.ok(!text.includes('data-head="Robot"'));
    assert.ok(!text.includes('<img'));
  });
  it('stays one for who hears it, when a narrow screen shows its rows as blocks', () => {
    const count = (role: string): number | undefined => text.match(new RegExp(` role="${role}"`, 'g'))?.length;
    const roles = ['table', 'rowgroup', 'row', 'columnheader', 'rowheader', 'cell'];
    assert.deepEqual(roles.map(count), [1, 2, 3, 3, 2, 4]);
  });
});
