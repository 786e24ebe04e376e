'use strict';

const { DataTypes, Op, QueryTypes, Sequelize, Transaction } = require('sequelize');
const { failure, refusal, report } = require('../report.js');

function define(sequelize) {
  const Author = sequelize.define(
    'author',
    { name: { type: DataTypes.STRING, allowNull: false, unique: 'authors_name' } },
    { timestamps: false, hooks: { beforeCreate: (author) => (author.name = author.name.trim()) } },
  );
  const Book = sequelize.define(
    'book',
    {
      id: { type: DataTypes.BIGINT, autoIncrement: true, primaryKey: true },
      title: { type: DataTypes.STRING, allowNull: false },
      published: DataTypes.DATEONLY,
      addedAt: DataTypes.DATE(3),
      stock: DataTypes.BIGINT,
      price: DataTypes.DECIMAL(8, 2),
      rating: DataTypes.DOUBLE,
      cover: DataTypes.BLOB,
      kind: DataTypes.ENUM('novel', 'poem'),
      key: DataTypes.UUID,
      isSold: DataTypes.BOOLEAN,
      place: DataTypes.GEOMETRY('POINT'),
    },
    { timestamps: false },
  );
  const Tag = sequelize.define('tag', { name: DataTypes.STRING }, { timestamps: false });
  Author.hasMany(Book);
  Book.belongsTo(Author);
  Book.belongsToMany(Tag, { through: 'book_tags', timestamps: false });
  Tag.belongsToMany(Book, { through: 'book_tags', timestamps: false });
  return { Author, Book, Tag };
}

const BOOK = {
  title: "it's A",
  published: '2024-02-29',
  addedAt: new Date('2024-02-29T12:34:56.789Z'),
  stock: '9007199254740993',
  price: '12.50',
  rating: 0.1,
  cover: Buffer.from([0, 1, 254, 255]),
  kind: 'novel',
  key: '0d2e1f6a-5c77-4b19-9d7c-0c4f7d1a2b3c',
  isSold: false,
  place: { type: 'Point', coordinates: [1.5, 2] },
};

async function migrate(sequelize) {
  const queries = sequelize.getQueryInterface();
  await queries.createTable('old', { id: { type: DataTypes.INTEGER, primaryKey: true } });
  await queries.addColumn('old', 'note', { type: DataTypes.STRING(20), defaultValue: 'none' });
  await queries.addIndex('old', ['note'], { unique: true, name: 'old_note' });
  await queries.renameTable('old', 'new');
  const columns = Object.keys(await queries.describeTable('new'));
  const indexes = await queries.showIndex('new');
  const refused = await refusal(queries.addColumn('nowhere', 'x', DataTypes.TEXT), sourceOf);
  await queries.dropTable('new');
  const tables = (await queries.showAllTables()).map((table) => table.tableName ?? table).sort();
  return { columns, indexes: indexes.map(({ name, unique }) => [name, unique]), refused, tables };
}

const sourceOf = ({ parent }) => parent;
const plain = (instance) => instance.get({ plain: true });

async function relations({ Author, Book, Tag }) {
  const ann = await Author.create({ name: ' ann ' });
  const book = await Book.create({ ...BOOK, authorId: ann.id });
  const more = Array.from({ length: 20 }, (_, n) => ({ title: `number ${n}`, authorId: ann.id }));
  await Book.bulkCreate(more);
  const tags = [await Tag.create({ name: 'red' }), await Tag.create({ name: 'blue' })];
  await book.setTags(tags);
  const read = await Book.findByPk(book.id, {
    include: [Author, { model: Tag, through: { attributes: [] } }],
    order: [[Tag, 'name', 'ASC']],
  });
  const { count: total, rows } = await Book.findAndCountAll({
    where: { title: { [Op.like]: 'number%' } },
    order: [['id', 'DESC']],
    limit: 2,
  });
  const [updated] = await Book.update({ stock: 2 }, { where: { key: null } });
  const [, created] = await Author.findOrCreate({ where: { name: 'bob' } });
  const [, again] = await Author.findOrCreate({ where: { name: 'bob' } });
  const [upserted, isNew] = await Author.upsert({ id: ann.id, name: 'ann' });
  return {
    read: plain(read),
    page: [total, rows.map(({ title }) => title)],
    updated,
    created: [created, again],
    upserted: [plain(upserted), isNew],
    sum: await Book.sum('stock', { where: { key: null } }),
    incremented: (await (await book.increment('rating', { by: 0.2 })).reload()).rating,
    destroyed: await Book.destroy({ where: { title: 'number 1' } }),
  };
}

async function transactions(sequelize, { Author }) {
  const names = async () => (await Author.findAll({ order: ['id'] })).map(({ name }) => name);
  const failed = await failure(
    sequelize.transaction(async (transaction) => {
      await Author.create({ name: 'dan' }, { transaction });
      throw new Error('changed my mind');
    }),
  );
  let refused;
  await sequelize.transaction(async (transaction) => {
    await Author.create({ name: 'eve' }, { transaction });
    refused = await refusal(
      sequelize.transaction({ transaction }, (nested) =>
        Author.create({ name: 'eve' }, { transaction: nested }),
      ),
      sourceOf,
    );
    await Author.create({ name: 'gus' }, { transaction });
  });
  const transaction = await sequelize.transaction({
    isolationLevel: Transaction.ISOLATION_LEVELS.SERIALIZABLE,
  });
  const locked = await Author.findOne({ transaction, lock: true, where: { name: 'eve' } });
  await transaction.rollback();
  return { failed: failed.message, refused, locked: locked.name, names: await names() };
}

async function errors(sequelize, { Author, Book }) {
  const unique = await failure(Author.create({ name: 'ann' }));
  return {
    unique: [unique.name, unique.parent.code, unique.parent.errno],
    foreignKey: await refusal(Book.create({ title: 'x', authorId: 0 }), sourceOf),
    validation: (await failure(Book.create({}))).message,
    syntax: await refusal(sequelize.query('selec 1'), sourceOf),
  };
}

async function queries(sequelize) {
  const select = (text, options) => sequelize.query(text, { type: QueryTypes.SELECT, ...options });
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, n) => select('select $1 * 2 as x', { bind: [n] })),
  );
  const text = 'select :text as text, :list is null as missing';
  const [, result] = await sequelize.query('update authors set name = name');
  return {
    sum: answers.reduce((total, [{ x }]) => total + x, 0),
    connections: sequelize.connectionManager.pool.size,
    replaced: await select(text, { replacements: { text: "it's \\ ?", list: null } }),
    raw: [result.affectedRows, result.changedRows],
  };
}

async function rejected(url, dialect) {
  const address = new URL(url);
  const options = { dialect, logging: false };
  address.password = 'wrong';
  const refused = await failure(new Sequelize(address.href, options).authenticate());
  address.port = 1;
  const unreachable = await failure(new Sequelize(address.href, options).authenticate());
  return [refused, unreachable].map(({ name, parent }) => [name, parent.code]);
}

report(async (url) => {
  const hooks = [];
  const dialect = 'mysql';
  const sequelize = new Sequelize(url, {
    dialect,
    logging: false,
    pool: { max: 3 },
    hooks: { beforeConnect: () => hooks.push('connect'), afterDisconnect: () => hooks.push('end') },
  });
  await sequelize.authenticate();
  const migrations = await migrate(sequelize);
  const models = define(sequelize);
  await sequelize.sync();
  const observed = {
    migrations,
    relations: await relations(models),
    transactions: await transactions(sequelize, models),
    errors: await errors(sequelize, models),
    queries: await queries(sequelize),
    rejected: await rejected(url, dialect),
  };
  await sequelize.close();
  return { ...observed, hooks };
});
