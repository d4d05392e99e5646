"""Twilio's Messages resource, its status callbacks and its inbound webhook. Form posts come in, Twilio's JSON
goes out."""
