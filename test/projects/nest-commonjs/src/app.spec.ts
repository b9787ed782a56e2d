/** The service over HTTP, with nock in place of the services that it calls. */
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import nock from 'nock';
import request from 'supertest';
import { AppModule } from './app.module';
import { AxiosErrorFilter } from './axios-error.filter';

describe('orders', () => {
  let app: INestApplication;

  beforeAll(async () => {
    nock.disableNetConnect();
    nock.enableNetConnect('127.0.0.1');
    const module = await Test.createTestingModule({ imports: [AppModule] }).compile();
    app = module.createNestApplication({ logger: false });
    app.useGlobalFilters(new AxiosErrorFilter());
    await app.init();
  });

  afterEach(() => {
    expect(nock.pendingMocks()).toEqual([]);
    nock.cleanAll();
  });

  afterAll(async () => {
    await app.close();
    nock.enableNetConnect();
    nock.restore();
  });

  const inventory = () => nock('http://inventory.test', { reqheaders: { authorization: 'Bearer inventory-token' } });
  const payments = () => nock('http://payments.test', { reqheaders: { 'x-service': 'orders' } });

  it('gives an item', async () => {
    inventory().get('/items/a%20b').query({ fields: 'sku,stock' }).reply(200, { sku: 'a b', stock: 3 });
    await request(app.getHttpServer()).get('/items/a%20b').expect(200, { sku: 'a b', stock: 3 });
  });

  it('answers 404 for an item that the inventory does not have', async () => {
    inventory().get('/items/x').query(true).reply(404, { error: 'none' });
    const { body } = await request(app.getHttpServer()).get('/items/x').expect(404);
    expect(body.message).toBe('There is no item x.');
  });

  it('answers 502 through the filter while the inventory fails', async () => {
    inventory().get('/items/x').query(true).reply(500);
    const expected = { upstream: 'http://inventory.test', status: 500, code: 'ERR_BAD_RESPONSE' };
    await request(app.getHttpServer()).get('/items/x').expect(502, expected);
  });

  it('does not follow a redirect, as the module says', async () => {
    inventory().get('/items/x').query(true).reply(302, undefined, { location: 'http://inventory.test/items/y' });
    const { body } = await request(app.getHttpServer()).get('/items/x').expect(502);
    expect(body.status).toBe(302);
  });

  it('reserves and pays', async () => {
    inventory().post('/items/a/reservations', { count: 2 }).reply(201, { id: 'r1' }, { location: '/reservations/r1' });
    payments()
      .post('/v1/payments', 'order=r1+at+%2Freservations%2Fr1&amount=20')
      .matchHeader('content-type', /^application\/x-www-form-urlencoded/)
      .reply(201, { id: 'p1' });
    const expected = { reservation: 'r1 at /reservations/r1', payment: 'p1' };
    await request(app.getHttpServer()).post('/orders').send({ sku: 'a', count: 2 }).expect(201, expected);
  });

  it('leaves a payment pending that takes longer than the timeout', async () => {
    inventory().post('/items/a/reservations').reply(201, { id: 'r1' }, { location: '/r1' });
    payments().post('/v1/payments').delay(1000).reply(201, { id: 'p1' });
    const { body } = await request(app.getHttpServer()).post('/orders').send({ sku: 'a', count: 2 }).expect(201);
    expect(body.payment).toBe('pending');
  });

  it('sends a payment once, and answers 502, while the payment service fails', async () => {
    inventory().post('/items/a/reservations').reply(201, { id: 'r1' }, { location: '/r1' });
    payments().post('/v1/payments').reply(503, { error: 'down' });
    const { body } = await request(app.getHttpServer()).post('/orders').send({ sku: 'a', count: 2 }).expect(502);
    expect(body).toMatchObject({ upstream: 'http://payments.test/v1', status: 503 });
  });

  it('tells its health by that of the inventory', async () => {
    inventory().head('/').reply(200);
    await request(app.getHttpServer()).get('/health').expect(200);
    inventory().head('/').reply(500);
    const { body } = await request(app.getHttpServer()).get('/health').expect(503);
    expect(body.error).toEqual({ inventory: { status: 'down' } });
  });
});
