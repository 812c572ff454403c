import { h, render } from 'preact';

import { App } from './app.ts';

const place = document.getElementById('app');
if (place !== null) render(h(App, null), place);
