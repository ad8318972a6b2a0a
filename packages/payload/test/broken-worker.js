// A worker program that cannot even be loaded.

throw new Error('no worker today');
